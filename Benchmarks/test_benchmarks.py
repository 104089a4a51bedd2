"""What can go wrong without a sign of it: how figures are read, and how rows are made."""

import os
import sqlite3
import tempfile
import unittest

import measures
import report
import store
from processes import Failure

WRK = """Running 2s test @ http://127.0.0.1:1
  1 threads and 64 connections
RESULT {"requests": 3000, "micros": 1500000, "bytes": 9, "p50": 400.0, "p99": 900.0, "p999": 1500.0, \
"errors": {"connect": 0, "read": 0, "write": 0, "status": STATUS, "timeout": 0}}
"""

REDIS = """
EVALSHA: rps=0.0 (overall: -nan)\r====== EVALSHA ======
  3000 requests completed in 0.06 seconds
  4 parallel clients

Latency by percentile distribution:
0.000% <= 0.023 milliseconds (cumulative count 1)
50.000% <= 0.055 milliseconds (cumulative count 1742)
99.805% <= 0.191 milliseconds (cumulative count 2995)
99.902% <= 0.543 milliseconds (cumulative count 2998)
100.000% <= 0.567 milliseconds (cumulative count 3000)

Cumulative distribution of latencies:
99.867% <= 0.207 milliseconds (cumulative count 2996)

Summary:
  throughput summary: 50000.00 requests per second
  latency summary (msec):
          avg       min       p50       p95       p99       max
        0.054     0.016     0.055     0.079     0.111     0.567
"""

PGBENCH = """number of transactions actually processed: COUNT
number of failed transactions: 0 (0.000%)
latency average = 1.0 ms
initial connection time = 5.0 ms
tps = 200.000000 (without initial connection time)
"""


class MeasureTests(unittest.TestCase):
    def test_wrk_is_read(self):
        measure = measures.of_wrk(WRK.replace("STATUS", "0"), 64)
        self.assertEqual((measure.claims, measure.rate, measure.unanswered), (3000, 2000, 64))
        self.assertEqual((measure.p50, measure.p99, measure.p999), (0.4, 0.9, 1.5))

    def test_an_answer_that_is_not_2xx_fails_unless_it_is_expected(self):
        output = WRK.replace("STATUS", "1000")
        with self.assertRaises(Failure):
            measures.of_wrk(output, 64)
        self.assertEqual(measures.of_wrk(output, 64, refusals=True).claims, 2000)

    def test_a_broken_connection_fails_even_where_refusals_are_expected(self):
        output = WRK.replace("STATUS", "0").replace('"read": 0', '"read": 1')
        with self.assertRaises(Failure):
            measures.of_wrk(output, 64, refusals=True)

    def test_redis_benchmark_is_read(self):
        measure = measures.of_redis_benchmark(REDIS)
        self.assertEqual((measure.claims, measure.rate), (3000, 50000))
        self.assertEqual((measure.p50, measure.p99, measure.p999), (0.055, 0.111, 0.543))

    def test_pgbench_is_read(self):
        measure = measures.of_pgbench(PGBENCH.replace("COUNT", "400"), list(range(1000, 101000, 1000)))
        self.assertEqual((measure.claims, measure.rate), (400, 200))
        self.assertEqual((measure.p50, measure.p99, measure.p999), (50, 99, 100))

    def test_no_transaction_is_no_measure(self):
        with self.assertRaises(Failure):
            measures.of_pgbench(PGBENCH.replace("COUNT", "0"), [])

    def test_goals_have_a_sense(self):
        self.assertTrue(report.reached(1.0, "≥", 1.0))
        self.assertFalse(report.reached(0.99, "≥", 1.0))
        self.assertFalse(report.reached(1.6, "≤", 1.5))


class StoreTests(unittest.TestCase):
    SCHEMA = """
    CREATE TABLE items (
      seq INTEGER PRIMARY KEY, id TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('available',
        'claimed')), key TEXT, produced_at INTEGER NOT NULL, claim TEXT, claimed_at INTEGER
    , stale INTEGER NOT NULL DEFAULT 0) STRICT;
    CREATE INDEX inventory_claim ON items (claim) WHERE claim IS NOT NULL;
    CREATE TABLE settled_claims (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, user TEXT NOT NULL UNIQUE,
      state TEXT NOT NULL, claimed_at INTEGER NOT NULL) STRICT;
    CREATE TABLE settled_stock (pool TEXT, available INTEGER, claimed INTEGER);
    CREATE VIEW inventory AS SELECT * FROM items;
    CREATE VIEW claims AS SELECT * FROM settled_claims;
    CREATE VIEW stock AS SELECT * FROM settled_stock;
    INSERT INTO settled_stock VALUES ('codes', 1, 1);
    INSERT INTO items VALUES (1, 'i1', 'claimed', NULL, 5, 'c1', 7, 0);
    INSERT INTO items VALUES (2, 'i2', 'available', NULL, 5, NULL, NULL, 0);
    INSERT INTO settled_claims VALUES (1, 'c1', 'first', 'claimed', 7);
    """

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "store.db")
        self.script(self.SCHEMA)

    def script(self, sql):
        connection = sqlite3.connect(self.path)
        connection.executescript(sql)
        connection.close()

    def test_an_enlarged_store_is_whole(self):
        store.enlarge(self.path, items=300, claims=200, days=10)
        facts = store.facts(self.path)
        self.assertEqual(facts, {
            "claims": 201, "users": 201, "claimed": 201, "claims_with_items": 201, "orphans": 0})
        connection = store.reading(self.path)
        self.addCleanup(connection.close)
        self.assertEqual(store.one(connection, "SELECT available FROM stock"), 301)
        self.assertEqual(store.one(connection, "SELECT count(DISTINCT id) FROM inventory"), 502)
        self.assertEqual(store.one(
            connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'inventory_claim'"), 1)

    def test_a_claim_without_its_item_is_seen(self):
        self.script("UPDATE items SET claim = 'c2' WHERE seq = 1")
        self.assertEqual(store.facts(self.path)["orphans"], 1)

    def test_an_item_of_a_claim_that_has_one_already_is_seen(self):
        self.script("UPDATE items SET claim = 'c1', state = 'claimed' WHERE seq = 2")
        facts = store.facts(self.path)
        self.assertNotEqual(facts["claimed"], facts["claims_with_items"])

    def test_the_table_for_an_import_has_its_nulls_last(self):
        self.script("DELETE FROM items WHERE state = 'claimed'")
        script, columns = store.import_schema(self.path)
        self.assertEqual(columns, ["seq", "id", "state", "produced_at", "stale"])
        connection = sqlite3.connect(":memory:")
        self.addCleanup(connection.close)
        connection.executescript(script)
        names = [row[1] for row in connection.execute("PRAGMA table_info(items)")]
        self.assertEqual(names, columns + ["key", "claim", "claimed_at"])
        with self.assertRaises(sqlite3.IntegrityError):
            connection.execute("INSERT INTO items VALUES (1, 'i', 'no state', 1, 0, 0, 0, 0)")
        self.assertEqual(store.one(
            connection, "SELECT count(*) FROM sqlite_schema WHERE type = 'index'"), 1)


if __name__ == "__main__":
    unittest.main()
