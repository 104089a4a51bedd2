import Larder

/// Demand that is not in the database yet, by pool and bin.
struct DemandChanges {
  private struct Bin: Hashable {
    var pool: String
    var start: Instant
  }

  private struct Miss: Hashable {
    var bin: Bin
    var reason: MissReason
  }

  private struct Loss: Hashable {
    var bin: Bin
    var reason: WasteReason
  }

  private var bins: [Bin: Demand] = [:]
  private var misses: [Miss: Int] = [:]
  private var wastes: [Loss: Waste] = [:]

  var isEmpty: Bool { bins.isEmpty && wastes.isEmpty }

  mutating func add(_ demand: Demand, in pool: String, at instant: Instant) {
    bins[Bin(pool: pool, start: Demand.bin(of: instant)), default: Demand()] += demand
  }

  /// A request for `items` items that found too few.
  mutating func miss(
    _ items: Int, because reason: MissReason, in pool: String, at instant: Instant
  ) {
    add(.miss(items), in: pool, at: instant)
    let bin = Bin(pool: pool, start: Demand.bin(of: instant))
    misses[Miss(bin: bin, reason: reason), default: 0] += 1
  }

  /// Items that were lost. Those that nobody ever had are demand's waste too.
  mutating func waste(
    _ waste: Waste, because reason: WasteReason, in pool: String, at instant: Instant
  ) {
    guard waste.items > 0 else { return }
    if reason.isInRate { add(.waste(waste.items), in: pool, at: instant) }
    let bin = Bin(pool: pool, start: Demand.bin(of: instant))
    wastes[Loss(bin: bin, reason: reason), default: Waste()] += waste
  }

  /// Adds the demand to what the database has.
  func write(_ connection: Connection) throws(StoreError) {
    for (bin, demand) in bins {
      try connection.run(
        """
        INSERT INTO demand (pool, bin, hits, misses, claimed, missed, wasted)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (pool, bin) DO UPDATE SET
          hits = hits + ?3, misses = misses + ?4, claimed = claimed + ?5, missed = missed + ?6,
          wasted = wasted + ?7
        """,
        [
          .text(bin.pool), .instant(bin.start), .integer(demand.hits), .integer(demand.misses),
          .integer(demand.claimed), .integer(demand.missed), .integer(demand.wasted),
        ])
    }
    for (miss, requests) in misses {
      try connection.run(
        """
        INSERT INTO misses (pool, bin, reason, requests) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (pool, bin, reason) DO UPDATE SET requests = requests + ?4
        """,
        [
          .text(miss.bin.pool), .instant(miss.bin.start), .text(miss.reason.rawValue),
          .integer(requests),
        ])
    }
    for (loss, waste) in wastes {
      try connection.run(
        """
        INSERT INTO waste (pool, bin, reason, items, producer_us) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (pool, bin, reason) DO UPDATE SET
          items = items + ?4, producer_us = producer_us + ?5
        """,
        [
          .text(loss.bin.pool), .instant(loss.bin.start), .text(loss.reason.rawValue),
          .integer(waste.items), .integer(Int64(waste.producerTime / .microseconds(1))),
        ])
    }
  }
}
