"""Larder's database, read and made by SQL: the one place that knows its tables.

Rows by the million are copies of rows that Larder made itself, so that a column that is added
later gets what Larder would write.
"""

import sqlite3
import time

from processes import Failure

DAY = 24 * 3600 * 1000  # milliseconds

# A UUIDv7 of a number, in the order of the numbers.
UUID = "printf('01900000-%04x-7%03x-8%03x-%012x', n >> 24, n >> 12 & 4095, n & 4095, n)"


def reading(path):
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def one(connection, sql, *values):
    return connection.execute(sql, values).fetchone()[0]


def run_seconds(path, run):
    """How long a run took, from its start to its last item on disk."""
    connection = reading(path)
    try:
        began, ended = connection.execute(
            "SELECT started_at, ended_at FROM runs WHERE id = ?", (run,)).fetchone()
    finally:
        connection.close()
    return max(1, ended - began) / 1000


def checkpoint(path):
    """Puts all of the log into the database. Nobody else has it open."""
    connection = sqlite3.connect(path)
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.close()
    if busy:
        raise Failure(f"{path} is in use")


def facts(path):
    """What claims left, each counted by itself."""
    connection = reading(path)
    try:
        return {
            "claims": one(connection, "SELECT count(*) FROM claims WHERE state = 'claimed'"),
            "users": one(
                connection, "SELECT count(DISTINCT user) FROM claims WHERE state = 'claimed'"),
            "claimed": one(connection, "SELECT count(*) FROM inventory WHERE state = 'claimed'"),
            "claims_with_items": one(
                connection, "SELECT count(DISTINCT claim) FROM inventory WHERE state = 'claimed'"),
            "orphans": one(
                connection, "SELECT count(*) FROM inventory i WHERE i.state = 'claimed' AND NOT "
                "EXISTS (SELECT 1 FROM claims c WHERE c.id = i.claim AND c.state = 'claimed')"),
        }
    finally:
        connection.close()


def expired(path, pool):
    """How many items of a pool were taken from the shelf since they had expired."""
    connection = reading(path)
    try:
        return one(connection, "SELECT expired FROM stock WHERE pool = ?", pool)
    finally:
        connection.close()


def owners(path, users):
    """The item of each of these users."""
    connection = reading(path)
    try:
        return {
            user: item
            for user in users
            for (item,) in connection.execute(
                "SELECT i.id FROM claims c JOIN inventory i ON i.claim = c.id WHERE c.user = ?",
                (user,))
        }
    finally:
        connection.close()


def enlarge(path, items, claims, days):
    """Adds so many items to the shelf, and so many claims of one item each over the last `days`,
    to a store that holds at least one item on the shelf and exactly one claim. Nobody has it open.

    Indexes are dropped and made again from sorted rows, which takes a tenth of the time.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -500000")
    connection.execute("PRAGMA temp_store = FILE")
    indexes = [
        row for row in connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL "
            "AND tbl_name IN ('items', 'settled_claims')")
    ]
    for name, _ in indexes:
        connection.execute(f'DROP INDEX "{name}"')
    now = int(time.time() * 1000)
    first = one(connection, "SELECT max(seq) FROM items") + 1
    copy(
        connection, "items", "state = 'claimed'", claims,
        {"seq": f"{first} + n", "id": UUID, "claim": claim_id("n"),
         "claimed_at": moment(now, days, claims), "produced_at": moment(now - DAY, days, claims)})
    copy(
        connection, "items", "state = 'available'", items,
        {"seq": f"{first + claims} + n", "id": UUID.replace("01900000", "01900001"),
         "produced_at": moment(now, days, items)})
    first = one(connection, "SELECT max(seq) FROM settled_claims") + 1
    copy(
        connection, "settled_claims", "state = 'claimed'", claims,
        {"seq": f"{first} + n", "id": claim_id("n"),
         # In no order, and each there once: the multiplier is odd.
         "user": "printf('u-%08x-past', n * 2654435761 & 4294967295)",
         "claimed_at": moment(now, days, claims)})
    connection.execute(
        "UPDATE settled_stock SET available = available + ?, claimed = claimed + ?", (items, claims))
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def add_expiring(path, pool, count, moment):
    """Adds so many items to the shelf of a pool that has one there; all of them expire at that moment,
    in milliseconds since 1970. Nobody has the store open."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -500000")
    first = one(connection, "SELECT max(seq) FROM items") + 1
    copy(
        connection, "items", f"state = 'available' AND pool = '{pool}'", count,
        {"seq": f"{first} + n", "id": UUID.replace("01900000", "01900003"),
         "expires_at": str(moment), "shelf_order": str(moment)})
    connection.execute(
        "UPDATE settled_stock SET available = available + ? WHERE pool = ?", (count, pool))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def claim_id(number):
    return UUID.replace("01900000", "01900002").replace("n ", f"{number} ")


def moment(now, days, count):
    """Times that go up with the number and end now."""
    return f"{now} - {days * DAY} + n * {days * DAY} / {max(1, count)}"


def copy(connection, table, condition, count, changed):
    """Inserts so many copies of one row, with some columns as expressions of `n`, from 0."""
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    missing = set(changed) - set(columns)
    if missing:
        raise Failure(f"{table} has no columns {missing}")
    values = ", ".join(changed.get(column, f't."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    connection.execute(
        f"WITH RECURSIVE numbers(n) AS (SELECT 0 WHERE ? > 0 UNION ALL SELECT n + 1 FROM numbers "
        f"WHERE n + 1 < ?), t AS MATERIALIZED (SELECT * FROM {table} WHERE {condition} LIMIT 1) "
        f"INSERT INTO {table} ({names}) SELECT {values} FROM t CROSS JOIN numbers",
        (count, count))


def import_schema(path):
    """What `sqlite3 .import` needs to take in the rows of the inventory as they are: the table,
    with the columns that are null in all of them at its end, since `.import` knows no null but in
    columns that a row lacks; the columns that it has to bring; and the indexes."""
    connection = reading(path)
    try:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(items)")]
        counts = connection.execute(
            f"SELECT count(*), {', '.join(f'count({c})' for c in columns)} FROM items").fetchone()
        partial = [c for c, count in zip(columns, counts[1:]) if 0 < count < counts[0]]
        if partial:
            raise Failure(f"some rows have {partial} and some have not")
        present = [c for c, count in zip(columns, counts[1:]) if count]
        table = one(connection, "SELECT sql FROM sqlite_schema WHERE name = 'items'")
        head, _, rest = table.partition("(")
        body, _, options = rest.rpartition(")")
        definitions = {d.split()[0]: d.strip() for d in split_commas(body)}
        if set(definitions) != set(columns):
            raise Failure(f"the table of items is not understood: {sorted(definitions)}")
        ordered = present + [c for c in columns if c not in present]
        script = [f"{head}({', '.join(definitions[c] for c in ordered)}){options}"]
        script += [
            sql for (sql,) in connection.execute(
                "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'items' "
                "AND sql IS NOT NULL ORDER BY rowid")
        ]
        return ";\n".join(script) + ";", present
    finally:
        connection.close()


def split_commas(text):
    """Splits at commas that are in no brackets."""
    depth, part = 0, ""
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            yield part
            part = ""
        else:
            part += character
    yield part
