"""SQLite alone, in process: a bound rather than a peer. bound.c says what it does."""

import json
import os
import shutil
import sqlite3

from measures import Measure
from processes import Failure, run

SCHEMA = """
CREATE TABLE inventory (seq INTEGER PRIMARY KEY, state TEXT NOT NULL, payload TEXT NOT NULL,
  user TEXT, claimed_at INTEGER) STRICT;
CREATE INDEX inventory_shelf ON inventory (seq) WHERE state = 'available';
"""


class SQLite:
    name = "sqlite bound"

    def __init__(self, folder):
        self.folder = folder
        self.program = os.path.join(folder, "bound")
        self.store = os.path.join(folder, "bound.db")
        self.claims = 0
        compiler = shutil.which("clang") or shutil.which("cc")
        if not compiler:
            raise Failure("neither clang, which comes with Swift, nor cc is on the PATH")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bound.c")
        run([compiler, "-O2", "-o", self.program, source, "-lsqlite3"])

    def prepare(self, items):
        for suffix in ["", "-wal", "-shm"]:
            if os.path.exists(self.store + suffix):
                os.remove(self.store + suffix)
        connection = sqlite3.connect(self.store)
        connection.executescript("PRAGMA journal_mode = WAL;" + SCHEMA)
        connection.executemany(
            "INSERT INTO inventory (state, payload) VALUES ('available', ?)", ((i,) for i in items))
        connection.commit()
        connection.close()
        self.claims = 0

    def load(self, _clients, seconds):
        result = json.loads(run([self.program, self.store, str(seconds)]))
        self.claims += result["claims"]
        return Measure(
            claims=result["claims"], seconds=result["seconds"], p50=result["p50"],
            p99=result["p99"], p999=result["p999"],
            cpu_per_1000=result["cpu"] / result["claims"] * 1000,
            memory_mib=result["memory"] / 1024 / 1024)

    def verify(self):
        connection = sqlite3.connect(self.store)
        taken, users = connection.execute(
            "SELECT count(*), count(DISTINCT user) FROM inventory WHERE state = 'claimed'").fetchone()
        connection.close()
        # Users repeat between two runs of the program, by accident, at most now and then.
        if taken != self.claims or users < taken * 0.999:
            raise Failure(f"SQLite: {self.claims} claims left {taken} items claimed by {users} users")
        return {"answered": self.claims, "in the store": taken}

    def stop(self):
        pass
