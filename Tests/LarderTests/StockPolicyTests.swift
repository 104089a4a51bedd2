import Larder
import Testing

/// What stale items and a pool without a target change about orders and their memory.
@Suite struct StockPolicyTests {
  private let now = at(noon)

  private func renewing(
    available: Int, stale: Int, _ change: (inout PoolStatus) -> Void = { _ in }
  ) -> PoolStatus {
    poolStatus(available: available) {
      $0.pool.stock.onRevision = .replace
      $0.pool.producer?.revision = "2"
      $0.stock.stale = stale
      change(&$0)
    }
  }

  private func all(
    available: Int = 0, _ change: (inout PoolStatus) -> Void = { _ in }
  ) -> PoolStatus {
    poolStatus(available: available) {
      $0.pool.stock.takesAll = true
      $0.pool.stock.target = nil
      change(&$0)
    }
  }

  // MARK: Stale items

  @Test func staleItemsCountNeitherForTheTargetNorForTheReorderPoint() {
    #expect(renewing(available: 100, stale: 70).position == 30)
    #expect(renewing(available: 100, stale: 70).order(for: run(.queued)).items == 70)
    #expect(renewing(available: 100, stale: 79).reorder(at: now) == .no)
    #expect(renewing(available: 100, stale: 80).reorder(at: now) == .now)
    let renewed = renewing(available: 130, stale: 30)
    #expect(renewed.order(for: run(.queued)).items == 0)
    #expect(
      renewed.order(for: run(.queued)).why
        == "nothing to order: 100 available against a target of 100")
    let coming = renewing(available: 100, stale: 80) { $0.runs = [run(asked: 50)] }
    #expect(coming.position == 70 && coming.reorder(at: now) == .no)
  }

  @Test func staleItemsTakeRoomUntilTheyGiveWay() {
    let status = renewing(available: 150, stale: 150)
    #expect(status.room == 0 && status.recallable == 150)
    // An order may be for their places.
    #expect(status.order(for: run(.queued)).items == 100)
    var kept = status
    kept.pool.stock.onRevision = .keep
    #expect(kept.recallable == 0)
  }

  @Test func beyondALoweredMaxThereIsLessThanNoRoom() {
    let status = renewing(available: 150, stale: 60) { $0.pool.stock.max = 120 }
    #expect(status.spare == -30 && status.room == 0)
    let running = renewing(available: 100, stale: 0) { $0.runs = [run(asked: 20, slice: 20)] }
    #expect(running.spare == 30 && running.room == 30)
  }

  @Test func aLevelTellsOfItsStaleItems() {
    #expect(
      renewing(available: 100, stale: 40).reasons(at: now).first
        == "40 of 100 available items are stale, made by an older revision than 2: they do not "
        + "count for the target")
  }

  // MARK: All there is

  @Test func aRunThatTakesAllOrdersSliceBySliceWhateverIsOnTheShelf() {
    for available in [0, 100, 149] {
      let status = all(available: available) { $0.pool.producer?.slice = 1 }
      #expect(status.takesAll(run(.queued)))
      #expect(status.order(for: run(.queued)).items == 1)
    }
    #expect(all(available: 100).order(for: run(.queued)).items == 50)
    #expect(all(available: 150).order(for: run(.queued)).items == 0)
    #expect(
      all(available: 150).order(for: run(.queued)).why
        == "no room: 150 available against a max of 150")
  }

  @Test func aCountOrATargetOfItsScheduleBoundsARunOfAPoolThatTakesAll() throws {
    var spec = try schedule("0 * * * *")
    spec.target = 60
    let schedules = [spec]
    let status = all(available: 40) { $0.pool.schedules = schedules }
    var own = run(.queued)
    own.schedule = "hourly"
    #expect(!status.takesAll(own) && status.order(for: own).items == 20)
    own.schedule = "removed"
    #expect(status.takesAll(own))
    var manual = run(.queued, reason: .manual)
    #expect(status.takesAll(manual))
    manual.count = 7
    #expect(!status.takesAll(manual) && status.order(for: manual).items == 7)
    #expect(!poolStatus().takesAll(run(.queued)))
  }

  @Test func theReorderPointOfAPoolThatTakesAllNeedsNoTarget() {
    #expect(all(available: 20).reorder(at: now) == .now)
    #expect(all(available: 21).reorder(at: now) == .no)
    #expect(all { $0.pool.stock.reorderAt = 0 }.reorder(at: now) == .no)
    let full = all(available: 15) { $0.pool.stock.max = 15 }
    #expect(full.reorder(at: now) == .no)
  }

  @Test func whileOneRunTakesAllTheReorderPointStartsNoOther() throws {
    let several = all { $0.pool.producer?.concurrency = 3 }
    var busy = several
    busy.runs = [run(asked: 10, covered: 10)]
    #expect(busy.reorder(at: now) == .no)
    var counted = run(asked: 10)
    counted.count = 10
    busy.runs = [counted]
    #expect(busy.reorder(at: now) == .now)
  }

  @Test func aPoolThatTakesAllSaysSo() {
    let says = "each run takes all that the producer has, up to the max of 150"
    #expect(all(available: 50).reasons(at: now) == [says])
    // How much there is, nobody knows.
    #expect(
      all { $0.runs = [run(asked: 30, covered: 20)] }.reasons(at: now)
        == ["run r (schedule) is running: 20 items dealt with", says])
  }

  // MARK: Memory

  private func ended(_ printed: Int, of asked: Int, overfill: Int = 0) -> Run {
    var run = run(asked: asked)
    run.startedAt = now - .seconds(20)
    run.stored = 40
    var slice = Slice(number: 4, state: .committed, asked: asked, startedAt: now)
    slice.stored = printed - overfill
    slice.overfill = overfill
    run.slices = [slice]
    return run
  }

  private let old = RunMemory(
    fruitless: 2, failures: 2, lastEndedAt: nil, typicalRunTime: .seconds(100))

  @Test func aRunThatTookAllMakesTheReorderPointWait() {
    // The supplier has no more for now, though the run is a success.
    let short = old.after(ended(3, of: 10), endingAs: .succeeded, at: now)
    #expect((short.fruitless, short.failures) == (3, 0))
    #expect(short.typicalRunTime == .seconds(80) && short.lastEndedAt == now)
    for overfill in [0, 4, 10] {
      let full = old.after(
        ended(10, of: 10, overfill: overfill), endingAs: .succeeded, at: now)
      #expect((full.fruitless, full.failures) == (0, 0))
    }
  }

  @Test func aReplacedRunLeavesNoTrace() {
    #expect(old.after(ended(10, of: 10), endingAs: .replaced, at: now) == old)
    #expect(old.after(ended(0, of: 10), endingAs: .replaced, at: now) == old)
  }

  @Test func aStartedRunThatFoundNoRoomLeavesNoTrace() {
    #expect(old.after(run(asked: 10), endingAs: .skipped, at: now) == old)
  }

  @Test func aSliceIsShortOnlyOnceItIsCommitted() {
    var slice = Slice(number: 1, state: .running, asked: 10, startedAt: now)
    #expect(!slice.isShort)
    slice.state = .failed
    #expect(!slice.isShort)
    slice.state = .committed
    #expect(slice.isShort)
    (slice.stored, slice.duplicates, slice.overfill) = (3, 4, 2)
    #expect(slice.isShort)
    slice.overfill = 3
    #expect(!slice.isShort)
  }
}
