import Larder

extension SQLiteStore {
  package func definitions() throws(StoreError) -> [KeptDefinition] {
    try connection.all("SELECT pool, source, file, retired, problem FROM pools ORDER BY pool") {
      KeptDefinition(
        pool: $0.text(0), source: $0.text(1), file: $0.text(2), retired: $0.bool(3),
        problem: $0.optionalText(4))
    }
  }

  package func change(_ wanted: DefinitionChanges, at now: Instant) throws(StoreError) {
    // A start on a full disk has nothing to write, and must not settle either.
    guard !wanted.isEmpty else { return }
    try transaction { () throws(StoreError) in
      for definition in wanted.adopted { try adopt(definition, at: now) }
      for pool in wanted.retired {
        try connection.run(
          "UPDATE pools SET retired = 1, problem = NULL WHERE pool = ?", [.text(pool)])
        changes.add(0, .available, in: pool)
      }
      for (pool, problem) in wanted.problems {
        try connection.run(
          "UPDATE pools SET problem = ? WHERE pool = ?", [.text(problem), .text(pool)])
      }
    }
    for definition in wanted.adopted {
      inForce[definition.pool.name] = definition.pool
      retired.remove(definition.pool.name)
    }
    retired.formUnion(wanted.retired.filter { inForce[$0] != nil })
  }

  private func adopt(_ definition: Definition, at now: Instant) throws(StoreError) {
    let pool = definition.pool.name
    try connection.run(
      """
      INSERT INTO pools (pool, source, file, adopted_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (pool) DO UPDATE SET source = excluded.source, file = excluded.file,
        adopted_at = excluded.adopted_at, retired = 0, problem = NULL
      """,
      [.text(pool), .text(definition.source), .text(definition.file), .instant(now)])
    changes.add(0, .available, in: pool)
    guard let old = inForce[pool], old.claims.order != definition.pool.claims.order else { return }
    // Two statements, so that each finds the shelf by an index and reads no issued items.
    for (index, part) in [
      ("inventory_shelf", "made_for IS NULL"), ("inventory_personal", "made_for IS NOT NULL"),
    ] {
      try connection.run(
        """
        UPDATE items INDEXED BY \(index) SET shelf_order = iif(?, coalesce(expires_at, ?), 0)
        WHERE pool = ? AND state = 'available' AND \(part)
        """,
        [
          .integer(definition.pool.claims.order == .fefo ? 1 : 0), .integer(Int64.max), .text(pool),
        ])
    }
  }
}
