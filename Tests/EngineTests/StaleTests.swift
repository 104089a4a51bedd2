import Larder
import Testing

@testable import Engine

/// What the core decides about stale items, on a shelf that the tests tell it of.
@Suite struct StaleTests {
  private func shelf(_ available: Int, stale: Int) -> Stock {
    var stock = Stock()
    (stock.available, stock.stale) = (available, stale)
    return stock
  }

  private func pool(_ change: (inout Pool) -> Void = { _ in }) -> Pool {
    makePool { pool in
      pool.stock.onRevision = .replace
      pool.producer?.revision = "2"
      pool.stock.max = 100
      change(&pool)
    }
  }

  /// A core whose marks are right.
  private func state(_ stock: Stock, _ pool: Pool) -> EngineState {
    var status = PoolStatus(pool: pool)
    status.stock = stock
    var state = EngineState(pools: [status], producers: 4, automatic: true, awakeSince: noon)
    #expect(state.tick(at: noon).markings == ["keys"])
    state.marked("keys")
    _ = state.tick(at: noon)
    return state
  }

  private func recalled(_ tick: Tick) -> [Int] {
    tick.events.compactMap { event in
      if case .attempt(_, _, _, _, let recalling) = event { recalling } else { nil }
    }
  }

  @Test func marksArePutRightBeforeAnythingElseIsDecided() throws {
    var status = PoolStatus(pool: pool { $0.stock.reorderAt = 20 })
    status.stock = shelf(100, stale: 0)
    var state = EngineState(pools: [status], producers: 4, automatic: true, awakeSince: noon)
    let first = state.tick(at: noon)
    #expect(first.markings == ["keys"] && first.events.isEmpty && first.launches == [])
    // A piece of the work is done, and there is more.
    state.stockChanged(["keys": shelf(100, stale: 60)])
    let second = state.tick(at: noon)
    #expect(second.markings == ["keys"] && second.launches == [])
    state.stockChanged(["keys": shelf(100, stale: 90)])
    state.marked("keys")
    let third = state.tick(at: noon)
    #expect(third.markings == [] && third.launches.map(\.count) == [10])
    #expect(recalled(third) == [10])
    #expect(state.isSettled)
  }

  @Test func aPoolThatKeepsItsItemsLosesItsMarksOnly() throws {
    let keeping = pool { $0.stock.onRevision = .keep }
    for (stale, expected) in [(0, []), (5, ["keys"])] {
      var status = PoolStatus(pool: keeping)
      status.stock = shelf(50, stale: stale)
      var state = EngineState(pools: [status], producers: 4, automatic: true, awakeSince: noon)
      #expect(state.tick(at: noon).markings == expected)
    }
  }

  @Test func nothingIsRecalledByMarksThatMayBeWrong() throws {
    var status = PoolStatus(pool: pool())
    status.stock = shelf(100, stale: 100)
    let other = PoolStatus(pool: makePool("other"))
    var state = EngineState(
      pools: [other, status], producers: 1, automatic: true, awakeSince: noon)
    _ = state.tick(at: noon)
    state.marked("keys")
    _ = state.tick(at: noon)
    _ = try state.request("other", count: 1, at: noon)
    _ = try state.request("keys", count: 20, at: noon)
    let launch = try #require(state.tick(at: noon).launches.first)
    #expect(launch.pool == "other")
    // While the pool waits for its turn, the revision of its items comes back.
    var changes = DefinitionChanges()
    changes.adopted = [
      Definition(pool: pool { $0.producer?.revision = "1" }, source: "", file: "/keys.yaml")
    ]
    state.change(changes)
    _ = state.sliceEnded(launch, .failed("exit 1", log: []), at: noon)
    let changed = state.tick(at: noon)
    #expect(changed.markings == ["keys"] && changed.launches == [])
    state.stockChanged(["keys": shelf(90, stale: 0)])
    state.marked("keys")
    let next = state.tick(at: noon)
    #expect(next.launches.map(\.pool) == ["keys"] && recalled(next) == [0])
  }

  @Test func asManyAreRecalledAsThereIsNoRoomFor() throws {
    for (available, stale, asked, recalling) in [
      (80, 80, 10, 0), (95, 80, 10, 5), (100, 80, 10, 10), (100, 3, 3, 3),
      // The max was lowered: what is beyond it gives way, too.
      (120, 80, 10, 30), (120, 25, 5, 25),
    ] {
      var state = state(shelf(available, stale: stale), pool())
      _ = try state.request("keys", count: 50, at: noon)
      let tick = state.tick(at: noon)
      #expect(tick.launches.map(\.count) == [asked], "\(available) \(stale)")
      #expect(recalled(tick) == [recalling] && tick.launches.map(\.recalling) == [recalling])
      let status = try #require(state.status(of: "keys"))
      #expect(status.stock.available + status.inFlight <= 100)
      #expect(status.stock.stale == stale - recalling)
    }
    var full = state(shelf(120, stale: 20), pool())
    _ = try full.request("keys", count: 50, at: noon)
    let tick = full.tick(at: noon)
    #expect(tick.launches == [] && tick.ended.count == 1)
  }

  @Test func aSliceThatIsTriedAgainRecallsNothingMore() throws {
    var state = state(shelf(100, stale: 100), pool())
    _ = try state.request("keys", count: 10, at: noon)
    let launch = try #require(state.tick(at: noon).launches.first)
    _ = state.sliceEnded(launch, .givenUp, at: noon)
    let again = state.tick(at: noon)
    #expect(again.launches.map(\.slice) == [1] && recalled(again) == [0])
  }

  @Test func staleItemsThatWentMeanwhileMakeNoRoom() throws {
    let pool = pool { $0.producer?.concurrency = 2 }
    var state = state(shelf(100, stale: 15), pool)
    for _ in 0..<2 { _ = try state.request("keys", count: 10, at: noon) }
    let slices = state.tick(at: noon).newSlices
    #expect(slices.map(\.recalling) == [10, 5])
    #expect(slices.map(\.count) == [10, 5])
    let crowding = Crowding(slices, in: state)
    #expect(crowding.withoutRoom(["keys": shelf(100, stale: 15)]) == [])
    // Claims took fresh ones, so that there is room anyway.
    #expect(crowding.withoutRoom(["keys": shelf(90, stale: 5)]) == [])
    #expect(crowding.withoutRoom(["keys": shelf(100, stale: 14)]) == [slices[1]])
    // An item too many: a slice that takes the place of stale ones is no better than the other.
    #expect(crowding.withoutRoom(["keys": shelf(101, stale: 15)]) == [slices[1], slices[0]])
    #expect(crowding.withoutRoom(["keys": shelf(100, stale: 9)]) == [slices[1], slices[0]])
  }

  @Test func whatIsTakenBackRecallsNothing() throws {
    let pool = pool { $0.producer?.rate = Rate(items: 1, per: .seconds(3600)) }
    var state = state(shelf(100, stale: 100), pool)
    _ = try state.request("keys", count: 10, at: noon)
    let launch = try #require(state.tick(at: noon).launches.first)
    state.takeBack(launch)
    #expect(state.status(of: "keys")?.stock == shelf(100, stale: 100))
    #expect(state.status(of: "keys")?.inFlight == 0)
    // Nor did it use up the rate.
    #expect(state.tick(at: noon).launches == [launch])
  }

  @Test func aRefusedRunRecallsNothing() throws {
    var pool = pool { $0.producer?.rate = Rate(items: 1, per: .seconds(3600)) }
    pool.schedules = [schedule("0 * * * *")]
    var status = PoolStatus(pool: pool)
    status.stock = shelf(100, stale: 100)
    let before = noon - .seconds(1)
    var state = EngineState(pools: [status], producers: 4, automatic: true, awakeSince: before)
    _ = state.tick(at: before)
    state.marked("keys")
    _ = state.tick(at: before)
    let tick = state.tick(at: noon)
    let launch = try #require(tick.launches.first)
    #expect(launch.recalling == 10)
    let run = try #require(state.status(of: "keys")?.runs.first)
    state.refused(run)
    _ = state.sliceEnded(launch, .givenUp, at: noon)
    #expect(state.status(of: "keys")?.stock == shelf(100, stale: 100))
    #expect(state.status(of: "keys")?.runs == [])
    _ = try state.request("keys", count: 10, at: noon)
    #expect(state.tick(at: noon).launches.map(\.recalling) == [10])
  }

  @Test func aSliceOfARunThatTookAllIsTakenBackAsItWas() throws {
    let taking = pool {
      $0.stock.takesAll = true
      $0.stock.target = nil
    }
    // An order of before the target became all.
    var status = PoolStatus(pool: taking)
    var run = Run(id: "r", pool: "keys", reason: .manual, state: .running, createdAt: noon)
    (run.asked, run.covered, run.startedAt) = (80, 30, noon)
    status.runs = [run]
    var state = EngineState(pools: [status], producers: 4, automatic: true, awakeSince: noon)
    _ = state.tick(at: noon)
    state.marked("keys")
    let launch = try #require(state.tick(at: noon).launches.first)
    state.takeBack(launch)
    #expect(state.status(of: "keys")?.runs.map(\.asked) == [80])
    run.asked = 0
    run.covered = 0
    status.runs = [run]
    state = EngineState(pools: [status], producers: 4, automatic: true, awakeSince: noon)
    _ = state.tick(at: noon)
    state.marked("keys")
    let first = try #require(state.tick(at: noon).launches.first)
    #expect(state.status(of: "keys")?.runs.map(\.asked) == [10])
    state.takeBack(first)
    #expect(state.status(of: "keys")?.runs.map(\.asked) == [0])
    #expect(state.tick(at: noon).launches == [first])
  }
}
