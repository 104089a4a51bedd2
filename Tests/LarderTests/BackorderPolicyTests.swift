import Larder
import Testing

/// What backorders and holds change about orders.
@Suite struct BackorderPolicyTests {
  private let now = at(noon)

  private func waiting(
    _ pending: Int, available: Int = 0, _ change: (inout PoolStatus) -> Void = { _ in }
  ) -> PoolStatus {
    poolStatus(available: available) {
      $0.pool.stock.reorderAt = 0
      $0.stock.pending = pending
      change(&$0)
    }
  }

  @Test func aBackorderStartsARunThoughThereIsNoReorderPoint() {
    #expect(waiting(0).reorder(at: now) == .no)
    #expect(waiting(1).reorder(at: now) == .now)
    let suspended = waiting(1) { $0.pool.suspend = true }
    #expect(suspended.reorder(at: now) == .no)
  }

  @Test func aRunBringsWhatBackordersWaitForBesidesTheTarget() {
    #expect(waiting(7).position == -7)
    #expect(waiting(7).order(for: run(.queued)).items == 107)
    // What arrives for them does not stay on the shelf, so it takes no room for good.
    #expect(waiting(80).order(for: run(.queued)).items == 180)
    let toOrder = waiting(3) { $0.pool.stock.target = 0 }
    #expect(toOrder.order(for: run(.queued)).items == 3)
    #expect(toOrder.reorder(at: now) == .now)
  }

  @Test func nothingMoreIsOrderedWhileEnoughIsOnOrder() {
    let coming = waiting(5) {
      $0.pool.producer?.concurrency = 2
      $0.runs = [run(asked: 5)]
    }
    #expect(!coming.lacksBackorders && coming.reorder(at: now) == .no)
    let more = waiting(6) {
      $0.pool.producer?.concurrency = 2
      $0.runs = [run(asked: 5)]
    }
    #expect(more.lacksBackorders && more.reorder(at: now) == .now)
  }

  @Test func aBackorderThatTheShelfCannotServeDoesNotFillThePoolToItsMax() {
    // Those on the shelf are not what it wants: one item more than the target may help, no more.
    let first = waiting(1, available: 100)
    #expect(first.reorder(at: now) == .now && first.order(for: run(.queued)).items == 1)
    #expect(waiting(1, available: 101).reorder(at: now) == .no)
  }

  @Test func aBackorderStartsNoRunThatWouldFindNoRoom() {
    let full = waiting(3, available: 100) { $0.pool.stock.max = 100 }
    #expect(full.position < 100 && full.reorder(at: now) == .no)
    let held = waiting(3, available: 97) {
      $0.pool.stock.max = 100
      $0.pool.claims.onRelease = .restock
      $0.stock.held = 3
    }
    #expect(held.reorder(at: now) == .no)
    // Stale items give way.
    let stale = waiting(3, available: 100) {
      $0.pool.stock.max = 100
      $0.pool.stock.onRevision = .replace
      $0.stock.stale = 1
    }
    #expect(stale.reorder(at: now) == .now)
  }

  @Test func aFullShelfThatIsNoHelpToABackorderHasNoRoomForARun() {
    let full = waiting(5, available: 150) { $0.pool.stock.target = 150 }
    #expect(full.order(for: run(.queued)).items == 0)
    #expect(full.order(for: run(.queued)).why.hasPrefix("no room: 150 available, of which 5"))
    let counted = waiting(5, available: 149)
    var manual = run(.queued)
    manual.count = 10
    #expect(counted.order(for: manual).items == 6)
  }

  @Test func backordersWaitForTheBackoffAndTheBreakerAsTheReorderPointDoes() {
    let fruitless = waiting(1) {
      $0.memory.fruitless = 1
      $0.memory.lastEndedAt = now
    }
    #expect(fruitless.reorder(at: now) == .waits(until: now + .seconds(10)))
    let broken = waiting(1) {
      $0.memory.failures = 5
      $0.memory.lastEndedAt = now
    }
    #expect(broken.reorder(at: now) == .waits(until: now + .seconds(600)))
  }

  @Test func heldItemsTakeRoomOnlyWhereTheyMayComeBack() {
    let discarding = poolStatus(available: 100) { $0.stock.held = 30 }
    #expect(discarding.spare == 50)
    let restocking = poolStatus(available: 100) {
      $0.stock.held = 30
      $0.pool.claims.onRelease = .restock
    }
    #expect(restocking.spare == 20)
    let full = poolStatus(available: 120) {
      $0.pool.stock.target = 150
      $0.stock.held = 30
      $0.pool.claims.onRelease = .restock
    }
    #expect(full.order(for: run(.queued)).items == 0)
    #expect(
      full.order(for: run(.queued)).why
        == "no room: 120 available and 30 held that may come back against a max of 150")
  }
}
