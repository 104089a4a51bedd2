import CSQLite
import Larder

/// The database's schema as numbered migrations. A migration that has landed never changes;
/// a new one is added behind it.
enum Schema {
  /// "Lrdr": marks a database as Larder's, in its header.
  static let applicationID: Int64 = 0x4C72_6472

  static let migrations: [String] = [
    """
    -- The definitions in force, one a pool, and what the engine remembers of each.
    CREATE TABLE pools (
      pool TEXT PRIMARY KEY,
      source TEXT NOT NULL,
      file TEXT NOT NULL,
      adopted_at INTEGER NOT NULL,
      paused INTEGER NOT NULL DEFAULT 0,
      retired INTEGER NOT NULL DEFAULT 0,
      problem TEXT,
      fruitless INTEGER NOT NULL DEFAULT 0,
      failures INTEGER NOT NULL DEFAULT 0,
      last_ended_at INTEGER,
      typical_run_ms INTEGER
    ) STRICT;

    -- How many items of each pool are in each state; kept with every change of an item.
    CREATE TABLE stock (
      pool TEXT PRIMARY KEY,
      available INTEGER NOT NULL DEFAULT 0,
      held INTEGER NOT NULL DEFAULT 0,
      claimed INTEGER NOT NULL DEFAULT 0,
      expired INTEGER NOT NULL DEFAULT 0,
      recalled INTEGER NOT NULL DEFAULT 0,
      quarantined INTEGER NOT NULL DEFAULT 0,
      replaced INTEGER NOT NULL DEFAULT 0
    ) STRICT;

    -- Every item. README.md documents the columns.
    CREATE TABLE inventory (
      seq INTEGER PRIMARY KEY,
      id TEXT NOT NULL,
      pool TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('available', 'held', 'claimed', 'expired', 'recalled',
        'quarantined', 'replaced')),
      key TEXT,
      made_for TEXT,
      payload TEXT NOT NULL,
      attributes TEXT,
      produced_at INTEGER NOT NULL,
      expires_at INTEGER,
      shelf_order INTEGER NOT NULL,
      run TEXT,
      slice INTEGER,
      line INTEGER,
      revision TEXT,
      claim TEXT,
      claimed_at INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX inventory_key ON inventory (pool, key)
      WHERE key IS NOT NULL AND state <> 'replaced';
    CREATE INDEX inventory_shelf ON inventory (pool, shelf_order, seq)
      WHERE state = 'available' AND made_for IS NULL;
    CREATE INDEX inventory_personal ON inventory (pool, made_for, shelf_order, seq)
      WHERE state = 'available' AND made_for IS NOT NULL;
    CREATE INDEX inventory_expiring ON inventory (pool, expires_at)
      WHERE state = 'available' AND expires_at IS NOT NULL;
    CREATE INDEX inventory_claim ON inventory (claim) WHERE claim IS NOT NULL;

    -- Who has what. `key` is null where a request named none and the pool binds none.
    CREATE TABLE claims (
      seq INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      pool TEXT NOT NULL,
      principal TEXT NOT NULL,
      user TEXT NOT NULL,
      key TEXT,
      fingerprint TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('pending', 'held', 'claimed', 'cancelled', 'timed_out',
        'released', 'lapsed', 'recalled', 'forgotten')),
      count INTEGER NOT NULL,
      claimed_at INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX claims_key ON claims (user, pool, principal, key);
    CREATE INDEX claims_user ON claims (user, seq);
    CREATE INDEX claims_pool ON claims (pool, seq);

    -- What was asked of each pool and what was wasted, in bins of 5 minutes by their start.
    CREATE TABLE demand (
      pool TEXT NOT NULL,
      bin INTEGER NOT NULL,
      hits INTEGER NOT NULL,
      misses INTEGER NOT NULL,
      claimed INTEGER NOT NULL,
      missed INTEGER NOT NULL,
      wasted INTEGER NOT NULL,
      PRIMARY KEY (pool, bin)
    ) STRICT, WITHOUT ROWID;

    -- How far each schedule's nominal times have been dealt with.
    CREATE TABLE schedules (
      pool TEXT NOT NULL,
      schedule TEXT NOT NULL,
      timing TEXT NOT NULL,
      active INTEGER NOT NULL,
      considered INTEGER NOT NULL,
      PRIMARY KEY (pool, schedule)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE runs (
      seq INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      pool TEXT NOT NULL,
      reason TEXT NOT NULL CHECK (reason IN ('schedule', 'reorder', 'start', 'backorder', 'manual',
        'topup')),
      state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'short', 'failed',
        'skipped', 'replaced')),
      schedule TEXT,
      nominal_at INTEGER,
      count INTEGER,
      asked INTEGER NOT NULL DEFAULT 0,
      covered INTEGER NOT NULL DEFAULT 0,
      stored INTEGER NOT NULL DEFAULT 0,
      expired INTEGER NOT NULL DEFAULT 0,
      cursor TEXT NOT NULL DEFAULT '',
      created_at INTEGER NOT NULL,
      started_at INTEGER,
      ended_at INTEGER,
      why TEXT,
      process_id INTEGER,
      process_started INTEGER,
      boot_id TEXT
    ) STRICT;
    CREATE UNIQUE INDEX runs_nominal ON runs (pool, schedule, nominal_at)
      WHERE schedule IS NOT NULL;
    CREATE INDEX runs_pool ON runs (pool, seq);
    CREATE INDEX runs_unfinished ON runs (pool, seq) WHERE state IN ('queued', 'running');
    CREATE INDEX runs_started ON runs (pool, seq) WHERE started_at IS NOT NULL;

    CREATE TABLE slices (
      run TEXT NOT NULL,
      slice INTEGER NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('running', 'committed', 'failed')),
      asked INTEGER NOT NULL,
      stored INTEGER NOT NULL DEFAULT 0,
      duplicates INTEGER NOT NULL DEFAULT 0,
      overfill INTEGER NOT NULL DEFAULT 0,
      attempts INTEGER NOT NULL,
      started_at INTEGER NOT NULL,
      ended_at INTEGER,
      why TEXT,
      PRIMARY KEY (run, slice)
    ) STRICT, WITHOUT ROWID;

    -- The end of what each run's producers printed on standard error.
    CREATE TABLE run_logs (
      run TEXT PRIMARY KEY,
      log TEXT NOT NULL
    ) STRICT;
    """,
    """
    -- Stale items: made by another revision than the pool's producer has now, where the pool
    -- replaces such. The mark of an item that left the shelf stays as it was.
    ALTER TABLE inventory ADD COLUMN stale INTEGER NOT NULL DEFAULT 0;
    -- How many of the available items are stale.
    ALTER TABLE stock ADD COLUMN stale INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE slices ADD COLUMN recalled INTEGER NOT NULL DEFAULT 0;

    DROP INDEX inventory_shelf;
    CREATE INDEX inventory_shelf ON inventory (pool, stale, shelf_order, seq)
      WHERE state = 'available' AND made_for IS NULL;
    DROP INDEX inventory_personal;
    CREATE INDEX inventory_personal ON inventory (pool, made_for, stale, shelf_order, seq)
      WHERE state = 'available' AND made_for IS NOT NULL;
    CREATE INDEX inventory_stale ON inventory (pool, shelf_order, seq)
      WHERE state = 'available' AND stale = 1;
    CREATE INDEX inventory_revision ON inventory (pool, stale, revision)
      WHERE state = 'available' AND revision IS NOT NULL;
    """,
    """
    -- Holds, backorders, matches, recall and purge.
    -- `hold_ms` is what the hold was cut to; null: none was asked for. `match` is the match as a
    -- JSON text, empty where there is none, and `match_head` the same of its first name alone.
    -- `min_remaining_ms` is what counts, the pool's own included. `claimed_at` is the time of the
    -- request until the claim gets items.
    ALTER TABLE claims ADD COLUMN hold_ms INTEGER;
    ALTER TABLE claims ADD COLUMN hold_expires_at INTEGER;
    ALTER TABLE claims ADD COLUMN match TEXT NOT NULL DEFAULT '';
    ALTER TABLE claims ADD COLUMN match_head TEXT NOT NULL DEFAULT '';
    ALTER TABLE claims ADD COLUMN min_remaining_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE claims ADD COLUMN timeout_at INTEGER;
    ALTER TABLE claims ADD COLUMN ended_at INTEGER;

    DROP INDEX claims_user;
    CREATE INDEX claims_user ON claims (user, seq) WHERE state <> 'forgotten';
    DROP INDEX claims_pool;
    CREATE INDEX claims_pool ON claims (pool, seq) WHERE state <> 'forgotten';
    -- The lines of pending claims: those of one match and `min_remaining` stand in one line.
    CREATE INDEX claims_lines ON claims (pool, match_head, match, min_remaining_ms, seq)
      WHERE state = 'pending';
    CREATE INDEX claims_waiting ON claims (pool, user, seq) WHERE state = 'pending';
    CREATE INDEX claims_timeouts ON claims (pool, timeout_at) WHERE state = 'pending';
    CREATE INDEX claims_holds ON claims (pool, hold_expires_at) WHERE state = 'held';
    -- Lists by state. Most claims are claimed: these are found among all.
    CREATE INDEX claims_state ON claims (state, seq) WHERE state NOT IN ('claimed', 'forgotten');
    CREATE INDEX claims_pool_state ON claims (pool, state, seq)
      WHERE state NOT IN ('claimed', 'forgotten');

    -- Items that the pool's pending claims wait for.
    ALTER TABLE stock ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;

    -- A pool's items in the order in which they were made, whatever became of them. The condition,
    -- which holds for all, keeps it from searches that do not name it: these have better indexes.
    CREATE INDEX inventory_made ON inventory (pool, produced_at) WHERE pool <> '';
    -- Items that nobody had and nobody will get, by when that came about as far as they tell.
    CREATE INDEX inventory_over ON inventory (
        max(produced_at, iif(state = 'expired', coalesce(expires_at, produced_at), produced_at)))
      WHERE claim IS NULL AND state IN ('expired', 'recalled', 'quarantined', 'replaced');
    -- Who had items that were recalled.
    CREATE INDEX inventory_recalled ON inventory (pool, claim)
      WHERE state = 'recalled' AND claim IS NOT NULL;
    -- Claims that nothing comes after, by when they came to it. A purged one, of which its key is
    -- left, has no items: a count of 0.
    CREATE INDEX claims_over ON claims (coalesce(ended_at, claimed_at))
      WHERE state NOT IN ('pending', 'held') AND count > 0;
    CREATE INDEX runs_over ON runs (ended_at) WHERE ended_at IS NOT NULL;

    -- The shelf by each attribute, without items that are made for a user. JSON's booleans are
    -- blobs here, so that they equal no number and no text.
    CREATE TABLE shelf_attributes (
      pool TEXT NOT NULL,
      name TEXT NOT NULL,
      value ANY NOT NULL,
      stale INTEGER NOT NULL,
      shelf_order INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      PRIMARY KEY (pool, name, value, stale, shelf_order, seq)
    ) STRICT, WITHOUT ROWID;
    INSERT OR IGNORE INTO shelf_attributes (pool, name, value, stale, shelf_order, seq)
      SELECT i.pool, a.key, CASE a.type WHEN 'true' THEN x'01' WHEN 'false' THEN x'00'
        ELSE a.value END, i.stale, i.shelf_order, i.seq
      FROM inventory i, json_each(i.attributes) a
      WHERE i.attributes IS NOT NULL AND i.made_for IS NULL AND i.state = 'available';
    -- Claims are spared a trigger: an UPDATE that puts items on the shelf or takes them from it
    -- names `shelf_order` where they have attributes, and an INSERT is followed by one of these.
    -- One trigger for both steps, since the order of two is not defined.
    CREATE TRIGGER inventory_moved AFTER UPDATE OF shelf_order, stale ON inventory
      WHEN OLD.attributes IS NOT NULL AND OLD.made_for IS NULL
        AND (OLD.state = 'available' OR NEW.state = 'available')
    BEGIN
      DELETE FROM shelf_attributes
        WHERE OLD.state = 'available' AND pool = OLD.pool AND (name, value) IN (
          SELECT key, CASE type WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' ELSE value END
          FROM json_each(OLD.attributes))
          AND stale = OLD.stale AND shelf_order = OLD.shelf_order AND seq = OLD.seq;
      INSERT OR IGNORE INTO shelf_attributes (pool, name, value, stale, shelf_order, seq)
        SELECT NEW.pool, key, CASE type WHEN 'true' THEN x'01' WHEN 'false' THEN x'00'
          ELSE value END, NEW.stale, NEW.shelf_order, NEW.seq
        FROM json_each(NEW.attributes) WHERE NEW.state = 'available';
    END;

    -- Keys of items that were purged: the pool still knows them. `free` where nobody got the item:
    -- where the pool replaces duplicates, another item may have the key.
    CREATE TABLE item_keys (
      pool TEXT NOT NULL,
      key TEXT NOT NULL,
      free INTEGER NOT NULL,
      PRIMARY KEY (pool, key)
    ) STRICT, WITHOUT ROWID;

    -- Pushes that wait. Those of one claim go one after the other: only the first of them has a
    -- time.
    CREATE TABLE webhooks (
      seq INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      claim TEXT NOT NULL,
      pool TEXT NOT NULL,
      body TEXT NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0,
      next_at INTEGER
    ) STRICT;
    CREATE INDEX webhooks_claim ON webhooks (claim, seq);
    CREATE INDEX webhooks_next ON webhooks (next_at, seq) WHERE next_at IS NOT NULL;
    """,
    """
    -- Claims by user and by key. Users come in no order, and an index over them would write another
    -- page for each claim. Sorted runs take its place, which are written and merged as wholes; the
    -- claims behind the last run's are in the writer's memory. ARCHITECTURE.md describes it.
    DROP INDEX claims_key;
    DROP INDEX claims_user;
    CREATE TABLE claim_index_runs (
      run INTEGER PRIMARY KEY,
      level INTEGER NOT NULL,
      first_seq INTEGER NOT NULL,
      last_seq INTEGER NOT NULL,
      claims INTEGER NOT NULL,
      parts INTEGER NOT NULL,
      filters INTEGER NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('building', 'current', 'obsolete'))
    ) STRICT;
    -- Pairs of a hash and a claim's place in `claims`, 16 bytes each. A run's rows are numbered from
    -- 2^24 times its number on.
    CREATE TABLE claim_index_parts (
      part INTEGER PRIMARY KEY,
      entries BLOB NOT NULL
    ) STRICT;
    CREATE TABLE claim_index_filters (
      part INTEGER PRIMARY KEY,
      bits BLOB NOT NULL
    ) STRICT;
    -- What the hashes are made with.
    CREATE TABLE claim_index_secret (
      first INTEGER NOT NULL,
      second INTEGER NOT NULL
    ) STRICT;
    INSERT INTO claim_index_secret (first, second) VALUES (random(), random());
    """,
    """
    -- Spans in which nobody counted what was asked of a pool: a bin of `demand` that is not there is
    -- unknown in them, and 0 elsewhere. Spans of a pool neither overlap nor touch.
    CREATE TABLE demand_gaps (
      pool TEXT NOT NULL,
      start INTEGER NOT NULL,
      ends INTEGER NOT NULL,
      PRIMARY KEY (pool, start)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- A plain claim is committed as a row of `grants` for each of its items, and brought to the tables
    -- of items, claims, counts and demand together with others, later. ARCHITECTURE.md says why. The
    -- views have the names that the tables had, and show what is in force.
    ALTER TABLE inventory RENAME TO items;
    ALTER TABLE claims RENAME TO settled_claims;
    ALTER TABLE stock RENAME TO settled_stock;
    -- The row of a claim's first item has the claim; in the others `count` is 0.
    CREATE TABLE grants (
      item INTEGER PRIMARY KEY,
      seq INTEGER NOT NULL,
      claim TEXT NOT NULL,
      pool TEXT NOT NULL,
      granted_at INTEGER NOT NULL,
      has_attributes INTEGER NOT NULL,
      count INTEGER NOT NULL DEFAULT 0,
      principal TEXT,
      user TEXT,
      key TEXT,
      fingerprint TEXT,
      min_remaining_ms INTEGER
    ) STRICT;
    -- Columns of both parts have the same affinity: only then SQLite searches each part by itself.
    CREATE VIEW inventory AS
      SELECT seq, id, pool, state, key, made_for, payload, attributes, produced_at, expires_at,
        shelf_order, run, slice, line, revision, claim, claimed_at, stale
      FROM items WHERE seq NOT IN (SELECT item FROM grants)
      UNION ALL
      SELECT i.seq, i.id, i.pool, CAST('claimed' AS TEXT), i.key, i.made_for, i.payload, i.attributes,
        i.produced_at, i.expires_at, i.shelf_order, i.run, i.slice, i.line, i.revision, g.claim,
        g.granted_at, i.stale
      FROM grants g CROSS JOIN items i ON i.seq = g.item;
    CREATE VIEW claims AS
      SELECT seq, id, pool, principal, user, key, fingerprint, state, count, claimed_at, hold_ms,
        hold_expires_at, match, match_head, min_remaining_ms, timeout_at, ended_at
      FROM settled_claims
      UNION ALL
      SELECT seq, claim, pool, principal, user, key, fingerprint, CAST('claimed' AS TEXT), count,
        granted_at, CAST(NULL AS INTEGER), CAST(NULL AS INTEGER), CAST('' AS TEXT),
        CAST('' AS TEXT), min_remaining_ms, CAST(NULL AS INTEGER), CAST(NULL AS INTEGER)
      FROM grants WHERE count > 0;
    CREATE VIEW stock AS
      SELECT pool, available - granted AS available, held, claimed + granted AS claimed, expired,
        recalled, quarantined, replaced, stale, pending
      FROM (SELECT s.*, (SELECT count(*) FROM grants g WHERE g.pool = s.pool) AS granted
        FROM settled_stock s);
    """,
    """
    -- Why requests found too few items, by the bins of `demand`: of each bin the reasons have as many
    -- misses as it has.
    CREATE TABLE misses (
      pool TEXT NOT NULL,
      bin INTEGER NOT NULL,
      reason TEXT NOT NULL,
      requests INTEGER NOT NULL,
      PRIMARY KEY (pool, bin, reason)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO misses (pool, bin, reason, requests)
      SELECT pool, bin, 'unknown', misses FROM demand WHERE misses > 0;
    """,
    """
    -- Why items were lost, and what it took to make them, by the bins of `demand`: of each bin the
    -- reasons that are demand's waste have as many items as it has.
    CREATE TABLE waste (
      pool TEXT NOT NULL,
      bin INTEGER NOT NULL,
      reason TEXT NOT NULL,
      items INTEGER NOT NULL,
      producer_us INTEGER NOT NULL,
      PRIMARY KEY (pool, bin, reason)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO waste (pool, bin, reason, items, producer_us)
      SELECT pool, bin, 'unknown', wasted, 0 FROM demand WHERE wasted > 0;
    -- When the slice was asked for last: the try that made its items. Null: at `started_at`.
    ALTER TABLE slices ADD COLUMN tried_at INTEGER;
    """,
    """
    -- What runs of a pool that is sized by its demand fill up to, as it was last reckoned: the beginning
    -- of the bin of demand in which it was, items, items that are expected to expire unused, and why.
    ALTER TABLE pools ADD COLUMN auto_at INTEGER;
    ALTER TABLE pools ADD COLUMN auto_target INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE pools ADD COLUMN auto_unused INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE pools ADD COLUMN auto_why TEXT NOT NULL DEFAULT '';
    """,
    """
    -- Spans in which a server counted what was asked of the pools. From the first of them on, a bin of
    -- `demand` that is not there is unknown outside of them, as in a span of `demand_gaps`.
    CREATE TABLE service (
      start INTEGER PRIMARY KEY,
      seen INTEGER NOT NULL
    ) STRICT;
    """,
    """
    -- Each index's condition is looked at for each row that changes: what most rows fail without a
    -- comparison of texts comes first. IN with more than two words builds a table of them each time.
    DROP INDEX inventory_over;
    DROP INDEX inventory_personal;
    DROP INDEX inventory_expiring;
    DROP INDEX inventory_stale;
    DROP INDEX inventory_recalled;
    -- Without a claim an item is `available`, `expired`, `recalled`, `quarantined` or `replaced`.
    CREATE INDEX inventory_over ON items (
        max(produced_at, iif(state = 'expired', coalesce(expires_at, produced_at), produced_at)))
      WHERE claim IS NULL AND state <> 'available';
    CREATE INDEX inventory_personal ON items (pool, made_for, stale, shelf_order, seq)
      WHERE made_for IS NOT NULL AND state = 'available';
    CREATE INDEX inventory_expiring ON items (pool, expires_at)
      WHERE expires_at IS NOT NULL AND state = 'available';
    CREATE INDEX inventory_stale ON items (pool, shelf_order, seq)
      WHERE stale = 1 AND state = 'available';
    CREATE INDEX inventory_recalled ON items (pool, claim)
      WHERE claim IS NOT NULL AND state = 'recalled';

    -- Of a replaced item its own number, else 0: a key has one item of 0. Without `state` in its
    -- condition the index is left alone where the state changes.
    ALTER TABLE items ADD COLUMN replaced INTEGER NOT NULL DEFAULT 0;
    UPDATE items SET replaced = seq WHERE state = 'replaced';
    DROP INDEX inventory_key;
    CREATE UNIQUE INDEX inventory_key ON items (pool, key, replaced) WHERE key IS NOT NULL;

    -- Takes the place of the claim's id and time until a claim has the item, so that its row does not
    -- grow: in a full page it would have to move.
    ALTER TABLE items ADD COLUMN room TEXT;
    """,
    """
    -- A user's pending claims are found by the sorted runs of claims by user.
    DROP INDEX claims_waiting;
    """,
  ]

  /// The version that a database has after all migrations.
  static var version: Int { migrations.count }

  /// Whose a database is.
  enum Origin: Equatable {
    /// Nobody has written to it.
    case empty
    /// Another program's.
    case foreign
    /// Larder's, of this version of the schema, which may be newer than this program's.
    case larder(version: Int)
  }

  /// Finds out whose a database is.
  static func origin(of connection: Connection) throws(StoreError) -> Origin {
    let id = try connection.first("PRAGMA application_id") { $0.int64(0) } ?? 0
    let version = try connection.first("PRAGMA user_version") { $0.int(0) } ?? 0
    let tables = try connection.first("SELECT count(*) FROM sqlite_schema") { $0.int(0) } ?? 0
    if id == 0, version == 0, tables == 0 { return .empty }
    return id == applicationID ? .larder(version: version) : .foreign
  }

  /// Refuses a database that is not Larder's or newer than this program, and gives its version;
  /// 0 for an empty one.
  static func check(_ connection: Connection) throws(StoreError) -> Int {
    let origin: Origin
    do throws(StoreError) {
      origin = try Self.origin(of: connection)
    } catch {
      // These few bytes are the first of all: if they can't be read, nothing can.
      guard case .unreadable(let path, let why) = error else { throw error }
      throw .damaged(path: path, why: why)
    }
    switch origin {
    case .empty: return 0
    case .foreign:
      throw .unreadable(
        path: connection.path,
        why: "it is a database of another program; name another file with --store, or bring a "
          + "backup back with `larder restore FILE`, which moves this one aside")
    case .larder(let version):
      guard version <= Self.version else {
        throw .newer(path: connection.path, version: version, supported: Self.version)
      }
      return version
    }
  }

  /// Brings the database to the newest version, a migration a transaction.
  static func migrate(_ connection: Connection) throws(StoreError) {
    for version in try check(connection)..<Self.version {
      try connection.transaction { () throws(StoreError) in
        try connection.script(migrations[version])
        try connection.script("PRAGMA application_id = \(applicationID)")
        try connection.script("PRAGMA user_version = \(version + 1)")
      }
    }
  }
}
