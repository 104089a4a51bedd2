"""What the disk takes to sync: the floor of a durable claim."""

import os
import statistics
import time


class SyncProbe:
    """Overwrites 4 KiB in a file that was allocated and written before, and syncs its data."""

    SIZE = 4096
    BLOCKS = 256

    def __init__(self, folder):
        self.file = os.open(os.path.join(folder, "sync-probe"), os.O_RDWR | os.O_CREAT, 0o600)
        os.posix_fallocate(self.file, 0, self.SIZE * self.BLOCKS)
        os.pwrite(self.file, bytes(self.SIZE * self.BLOCKS), 0)
        os.fsync(self.file)

    def median_ms(self, seconds):
        """The median of one write and its sync, in milliseconds."""
        block = os.urandom(self.SIZE)
        taken = []
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            start = time.perf_counter()
            os.pwrite(self.file, block, len(taken) % self.BLOCKS * self.SIZE)
            os.fdatasync(self.file)
            taken.append(time.perf_counter() - start)
        return statistics.median(taken) * 1000

    def close(self):
        os.close(self.file)
