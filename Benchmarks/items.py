"""The items that every system is filled with: JSON payloads of 80 bytes, the same for all."""

import os
import random

SLICE = 2000


def payloads(count, seed=1):
    """So many payloads, no two of them alike."""
    draw = random.Random(seed)
    return [
        '{"code": "%016x", "seat": "row %03d, seat %03d", "note": "valid for one entry"}'
        % (draw.getrandbits(24) << 40 | number, number // 500 % 1000, number % 500)
        for number in range(count)
    ]


def line(payload, key=None):
    """An item as a producer prints it."""
    return '{"payload": %s}\n' % payload if key is None else (
        '{"payload": %s, "key": "%s"}\n' % (payload, key))


def write_parts(folder, items, keyed, size):
    """One file of `size` items a slice of a producer's run, named by the slice's number, for a producer
    that only copies its part to its output."""
    os.makedirs(folder, exist_ok=True)
    for start in range(0, len(items), size):
        part = items[start:start + size]
        with open(os.path.join(folder, str(start // size + 1)), "w") as output:
            output.writelines(line(p, p[10:26] if keyed else None) for p in part)
