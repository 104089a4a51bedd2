"""Filling: a run of Larder's producer against `sqlite3 .import` of the rows that it brought."""

import os
import time

import store
from processes import Failure, run


def import_rate(path, folder):
    """Rows a second that `sqlite3 .import` brings into a new database with the inventory's table
    and indexes, in write-ahead mode with synchronous FULL as Larder's. The rows are those of the
    store at `path`, and lie ready as text, separated as ASCII provides for it."""
    script, columns = store.import_schema(path)
    rows = os.path.join(folder, "rows.txt")
    target = os.path.join(folder, "import.db")
    listed = ", ".join(f'"{column}"' for column in columns)
    run(["sqlite3", "-readonly", "-ascii", path, f".output {rows}",
         f"SELECT {listed} FROM items"])
    remove(target)
    run(["sqlite3", target, "PRAGMA journal_mode = WAL;" + script])
    os.sync()
    began = time.monotonic()
    # It complains of each row that it lacks columns, which become null. At its end the log is in
    # the database, as most of Larder's is at the end of a run.
    run(["sh", "-c", 'sqlite3 "$1" 2>/dev/null <<END\nPRAGMA synchronous = FULL;\n'
         '.mode ascii\n.import "$2" items\nEND', "sh", target, rows])
    seconds = time.monotonic() - began
    count = int(run(["sqlite3", path, "SELECT count(*) FROM items"]))
    brought = int(run(["sqlite3", target, "SELECT count(*) FROM items"]))
    same = run(["sqlite3", target, f"ATTACH '{path}' AS larder",
                f"SELECT count(*) FROM (SELECT {listed} FROM items EXCEPT "
                f"SELECT {listed} FROM larder.items)"])
    if brought != count or int(same):
        raise Failure(f"sqlite3 .import brought {brought} of {count} rows, {same.strip()} of them wrong")
    remove(target)
    os.remove(rows)
    return count / seconds


def remove(path):
    for suffix in ["", "-wal", "-shm"]:
        if os.path.exists(path + suffix):
            os.remove(path + suffix)


def compare(larder, count, times, say):
    """Fills a new store and imports its rows, in turn; the rates of each time. The last store
    stays."""
    rates = []
    for number in range(times):
        filled = larder.fill_anew(count)
        imported = import_rate(larder.store, larder.folder)
        rates.append((filled, imported))
        say(f"filling {number + 1}/{times}: larder {filled:,.0f} items/s, "
            f"sqlite3 .import {imported:,.0f} rows/s")
    return rates
