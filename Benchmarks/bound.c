/* The bound: what SQLite alone reaches in process, without HTTP, threads or users' keys. It claims
   64 items a transaction, write-ahead log, synchronous FULL, from a table with an index on what is
   available and none on the user.
   Usage: bound DATABASE SECONDS. Prints one JSON line; latencies are a transaction's, in ms. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { batch = 64, longest = 1000000 };

static sqlite3 *database;
static double latencies[longest];

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static double processor(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void expect(int code, int wanted) {
  if (code == wanted) return;
  fprintf(stderr, "SQLite answered %d: %s\n", code, sqlite3_errmsg(database));
  exit(1);
}

static sqlite3_stmt *prepare(const char *sql) {
  sqlite3_stmt *statement;
  expect(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
  return statement;
}

static void once(sqlite3_stmt *statement) {
  expect(sqlite3_step(statement), SQLITE_DONE);
  expect(sqlite3_reset(statement), SQLITE_OK);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  double seconds = atof(arguments[2]);
  expect(sqlite3_open(arguments[1], &database), SQLITE_OK);
  expect(sqlite3_exec(database, "PRAGMA journal_mode = WAL", NULL, NULL, NULL), SQLITE_OK);
  expect(sqlite3_exec(database, "PRAGMA synchronous = FULL", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_stmt *begin = prepare("BEGIN IMMEDIATE"), *commit = prepare("COMMIT");
  sqlite3_stmt *claim = prepare(
      "UPDATE inventory SET state = 'claimed', user = ?1, claimed_at = ?2 WHERE seq = ("
      "  SELECT seq FROM inventory WHERE state = 'available' ORDER BY seq LIMIT 1)"
      " RETURNING seq, payload");
  long claims = 0;
  int transactions = 0;
  double start = now(), spent = processor(), last = start;
  srandom(time(NULL));
  while (last - start < seconds && transactions < longest) {
    once(begin);
    for (int i = 0; i < batch; i++) {
      char user[32];
      int length = snprintf(user, sizeof user, "u-%08lx-%08ld", random(), claims++);
      sqlite3_bind_text(claim, 1, user, length, SQLITE_TRANSIENT);
      sqlite3_bind_int64(claim, 2, time(NULL));
      expect(sqlite3_step(claim), SQLITE_ROW); /* else the shelf is empty */
      expect(sqlite3_step(claim), SQLITE_DONE);
      expect(sqlite3_reset(claim), SQLITE_OK);
    }
    once(commit);
    double end = now();
    latencies[transactions++] = (end - last) * 1000;
    last = end;
  }
  spent = processor() - spent;
  qsort(latencies, transactions, sizeof latencies[0], ascending);
  printf("{\"claims\": %ld, \"seconds\": %f, \"cpu\": %f, \"p50\": %f, \"p99\": %f, \"p999\": %f, "
         "\"memory\": %lld}\n",
         claims, last - start, spent, latencies[transactions / 2],
         latencies[(int)(transactions * 0.99)], latencies[(int)(transactions * 0.999)],
         (long long)sqlite3_memory_highwater(0));
  return 0;
}
