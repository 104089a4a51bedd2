"""The one temporary folder of a benchmark, on a real disk."""

import os
import shutil
import tempfile

from processes import Failure

# File systems that keep nothing on a disk: a sync to them costs nothing.
IN_MEMORY = {"tmpfs", "ramfs", "devtmpfs"}


def file_system(path):
    """The mount that a path is on: its device and its type."""
    path = os.path.realpath(path)
    best = ("", "", "")
    with open("/proc/mounts") as mounts:
        for line in mounts:
            device, point, kind = line.split()[:3]
            point = point.encode().decode("unicode_escape")
            inside = path == point or path.startswith(point.rstrip("/") + "/")
            if inside and len(point) >= len(best[0]):
                best = (point, device, kind)
    return best[1], best[2]


class Workspace:
    """Made at the start and removed at the end, whatever happened in between."""

    def __init__(self):
        base = os.environ.get("BENCH_DIR", "/var/tmp")
        self.device, self.kind = file_system(base)
        if self.kind in IN_MEMORY:
            raise Failure(f"{base} is in memory ({self.kind}); name a folder on a disk by BENCH_DIR")
        self.path = tempfile.mkdtemp(prefix="larder-bench-", dir=base)
        os.chmod(self.path, 0o711)  # PostgreSQL runs as another user, and has its folder in here

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, *names):
        return os.path.join(self.path, *names)

    def folder(self, *names):
        """An empty folder."""
        path = self.file(*names)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        return path
