extension Verifier {
  /// Something that holds between rows.
  struct Rule {
    /// Reads on after "the rule that".
    let name: String
    /// Finds the rows that break it: their place, and what is wrong.
    let sql: String
  }

  static let rules: [Rule] =
    claimRules + runRules + shelfRules + [
      Rule(
        name: "each miss has a reason",
        sql: """
          SELECT 'pool ' || pool, 'of the misses of a bin that begins at '
            || strftime('%Y-%m-%dT%H:%M:%SZ', bin / 1000, 'unixepoch') || ', '
            || sum(counted) || ', ' || sum(explained) || ' have a reason'
          FROM (
            SELECT pool, bin, misses AS counted, 0 AS explained FROM demand
            UNION ALL SELECT pool, bin, 0, requests FROM misses)
          GROUP BY pool, bin HAVING sum(counted) <> sum(explained)
          """),
      Rule(
        name: "each wasted item has a reason",
        sql: """
          SELECT 'pool ' || pool, 'of the wasted items of a bin that begins at '
            || strftime('%Y-%m-%dT%H:%M:%SZ', bin / 1000, 'unixepoch') || ', '
            || sum(counted) || ', ' || sum(explained) || ' have a reason'
          FROM (
            SELECT pool, bin, wasted AS counted, 0 AS explained FROM demand
            UNION ALL SELECT pool, bin, 0, items FROM waste WHERE \(Rows.isInRate))
          GROUP BY pool, bin HAVING sum(counted) <> sum(explained)
          """),
      Rule(
        name: "pushes are of claims",
        sql: """
          SELECT 'push ' || w.id, 'its claim ' || w.claim || ' does not exist'
          FROM webhooks w LEFT JOIN settled_claims c ON c.id = w.claim AND c.state <> 'forgotten'
          WHERE c.id IS NULL
          """),
      Rule(
        name: "the first push of a claim has its time",
        sql: """
          SELECT 'push ' || id, 'it is the first of its claim and is never tried' FROM webhooks w
          WHERE next_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM webhooks f WHERE f.claim = w.claim AND f.seq < w.seq)
          """),
    ]

  private static let claimRules = [
    Rule(
      name: "claims have as many items as they say",
      sql: """
        SELECT 'claim ' || id, 'it is ' || state || ' with ' || count || ' items, and has ' || own
        FROM (
          SELECT c.id, c.state, c.count, (SELECT count(*) FROM items i
            WHERE i.claim = c.id AND i.state = c.state) AS own
          FROM settled_claims c WHERE c.state IN ('held', 'claimed'))
        WHERE own <> count
        """),
    Rule(
      name: "an item's claim exists and fits its state",
      sql: """
        SELECT 'item ' || i.id, CASE
          WHEN c.id IS NULL THEN 'its claim ' || i.claim || ' does not exist'
          WHEN c.pool <> i.pool THEN
            'it is of pool ' || i.pool || ', and its claim ' || c.id || ' of ' || c.pool
          ELSE 'it is ' || i.state || ', and its claim ' || c.id || ' is ' || c.state END
        FROM items i LEFT JOIN settled_claims c ON c.id = i.claim
        WHERE i.claim IS NOT NULL AND (c.id IS NULL OR c.pool <> i.pool
          OR c.state IN ('pending', 'cancelled', 'timed_out')
          OR i.state = 'held' AND c.state <> 'held'
          OR i.state = 'claimed' AND c.state NOT IN ('claimed', 'forgotten')
          OR i.state NOT IN ('held', 'claimed', 'recalled', 'quarantined'))
        """),
    Rule(
      name: "held and claimed items have a claim",
      sql: """
        SELECT 'item ' || id, 'it is ' || state || ' and has no claim' FROM items
        WHERE claim IS NULL AND state IN ('held', 'claimed')
        """),
    Rule(
      name: "a key has one claim",
      sql: """
        SELECT 'claim ' || min(id), count(*) || ' claims are of its key' FROM claims
        WHERE key IS NOT NULL GROUP BY user, pool, principal, key HAVING count(*) > 1
        """),
    Rule(
      name: "grants are of items on the shelf",
      sql: """
        SELECT 'claim ' || g.claim, 'it was granted item ' || coalesce(i.id, g.item) || ', which '
          || CASE WHEN i.seq IS NULL THEN 'does not exist'
            WHEN i.pool <> g.pool THEN 'is of pool ' || i.pool ELSE 'is ' || i.state END
        FROM grants g LEFT JOIN items i ON i.seq = g.item
        WHERE i.seq IS NULL OR i.pool <> g.pool OR i.state <> 'available'
          OR (i.attributes IS NULL) = g.has_attributes
        """),
    Rule(
      name: "grants make whole claims",
      sql: """
        SELECT 'claim ' || claim, 'it was granted ' || items || ' items, and says ' || count FROM (
          SELECT claim, seq, count(*) AS items, sum(count) AS count FROM grants GROUP BY claim) g
        WHERE items <> count
          OR EXISTS (SELECT 1 FROM settled_claims c WHERE c.seq = g.seq OR c.id = g.claim)
        """),
    Rule(
      name: "an item has its key until it is replaced",
      sql: """
        SELECT 'item ' || id, 'it is ' || state || ', and its key is '
          || iif(replaced = 0, 'not ', '') || 'free for another'
        FROM items WHERE replaced <> iif(state = 'replaced', seq, 0)
        """),
    Rule(
      name: "an item is there once",
      sql: """
        SELECT 'item ' || id, 'it is there ' || count(*) || ' times, with '
          || count(DISTINCT claim) || ' claims'
        FROM items GROUP BY id HAVING count(*) > 1
        """),
  ]

  private static let runRules = [
    Rule(
      name: "a nominal time starts one run",
      sql: """
        SELECT 'schedule ' || schedule || ' of pool ' || pool, count(*) || ' runs are of '
          || strftime('%Y-%m-%dT%H:%M:%SZ', nominal_at / 1000, 'unixepoch')
        FROM runs WHERE schedule IS NOT NULL AND nominal_at IS NOT NULL
        GROUP BY pool, schedule, nominal_at HAVING count(*) > 1
        """),
    Rule(
      name: "slices are of runs that fit their state",
      sql: """
        SELECT 'slice ' || s.slice || ' of run ' || s.run, CASE
          WHEN r.id IS NULL THEN 'its run does not exist'
          ELSE 'it is running, and its run is ' || r.state END
        FROM slices s LEFT JOIN runs r ON r.id = s.run
        WHERE r.id IS NULL OR s.state = 'running' AND r.state <> 'running'
        """),
    Rule(
      name: "runs stored no less than their slices",
      sql: """
        SELECT 'run ' || id, 'it stored ' || stored || ' items, and its slices ' || slices FROM (
          SELECT id, stored, (SELECT sum(s.stored) FROM slices s WHERE s.run = r.id) AS slices
          FROM runs r)
        WHERE slices > stored
        """),
    // A purge takes items, and runs, and some slices of a run before the others.
    Rule(
      name: "a slice's items are those that it stored, each line's once",
      sql: """
        SELECT 'slice ' || i.slice || ' of run ' || i.run, CASE
          WHEN s.state <> 'committed' THEN 'it is ' || s.state || ', and has ' || items || ' items'
          WHEN items > s.stored THEN 'it stored ' || s.stored || ' items, and has ' || items
          ELSE 'two of its items are of one line' END
        FROM (SELECT run, slice, count(*) AS items, count(DISTINCT line) AS lines
          FROM items WHERE run IS NOT NULL GROUP BY run, slice) i
          JOIN slices s ON s.run = i.run AND s.slice = i.slice
        WHERE s.state <> 'committed' OR items > s.stored OR lines < items
        """),
  ]

  private static let shelfRules = [
    Rule(
      name: "items on the shelf are found by their attributes",
      sql: """
        SELECT 'item ' || i.id, 'a match does not find it by its attribute ' || a.key
        FROM items i, json_each(i.attributes) a
        WHERE i.state = 'available' AND i.made_for IS NULL AND i.attributes IS NOT NULL
          AND a.type <> 'null' AND NOT EXISTS (
            SELECT 1 FROM shelf_attributes s WHERE s.pool = i.pool AND s.name = a.key
              AND s.value = CASE a.type WHEN 'true' THEN x'01' WHEN 'false' THEN x'00'
                ELSE a.value END
              AND s.stale = i.stale AND s.shelf_order = i.shelf_order AND s.seq = i.seq)
        """),
    Rule(
      name: "a match finds what is on the shelf",
      sql: """
        SELECT 'attribute ' || s.name || ' of pool ' || s.pool, CASE
          WHEN i.seq IS NULL THEN 'a match finds an item by it that does not exist'
          ELSE 'a match finds item ' || i.id || ' by it, which has another value or place, or is '
            || 'not on the shelf' END
        FROM shelf_attributes s LEFT JOIN items i ON i.seq = s.seq
        WHERE i.seq IS NULL OR i.state <> 'available' OR i.made_for IS NOT NULL
          OR i.attributes IS NULL OR i.pool <> s.pool OR i.stale <> s.stale
          OR i.shelf_order <> s.shelf_order OR NOT EXISTS (
            SELECT 1 FROM json_each(i.attributes) a WHERE a.key = s.name
              AND s.value = CASE a.type WHEN 'true' THEN x'01' WHEN 'false' THEN x'00'
                ELSE a.value END)
        """),
  ]
}
