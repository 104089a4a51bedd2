import Larder
import Testing

@testable import Engine

@Suite struct CrowdingTests {
  private func shelf(_ available: Int) -> Stock {
    var stock = Stock()
    stock.available = available
    return stock
  }

  private func state(_ requests: [Int]) throws -> EngineState {
    let pool = makePool {
      $0.stock.max = 100
      $0.producer?.slice = 30
      $0.producer?.concurrency = 3
    }
    var state = EngineState(
      pools: [PoolStatus(pool: pool)], producers: 4, automatic: true, awakeSince: noon)
    for count in requests { _ = try state.request("keys", count: count, at: noon) }
    return state
  }

  @Test func slicesThatNoLongerFitAreFoundNewestFirst() throws {
    var state = try state([30, 30, 30])
    let slices = state.tick(at: noon).newSlices
    #expect(slices.map(\.count) == [30, 30, 30])
    let crowding = Crowding(slices, in: state)
    #expect(crowding.withoutRoom([:]) == [])
    #expect(crowding.withoutRoom(["other": shelf(1000)]) == [])
    #expect(crowding.withoutRoom(["keys": shelf(10)]) == [])
    #expect(crowding.withoutRoom(["keys": shelf(11)]) == [slices[2]])
    #expect(crowding.withoutRoom(["keys": shelf(41)]) == [slices[2], slices[1]])
    #expect(crowding.withoutRoom(["keys": shelf(100)]) == slices.reversed())
    #expect(Crowding([], in: state).withoutRoom(["keys": shelf(1000)]) == [])
  }

  @Test func aSliceThatWasTakenBackIsAskedForAsFarAsThereIsRoom() throws {
    var state = try state([90])
    let first = state.tick(at: noon).launches[0]
    var put = PutResult()
    put.stored = 30
    state.stockChanged(["keys": shelf(30)])
    _ = state.sliceEnded(first, .committed(put, printed: 30, cursor: "c"), at: noon)
    let second = state.tick(at: noon).launches[0]
    #expect(second.slice == 2 && second.count == 30)
    state.takeBack(second)
    #expect(state.status(of: "keys")?.inFlight == 0)
    state.stockChanged(["keys": shelf(80)])
    let again = state.tick(at: noon)
    #expect(again.launches.map(\.slice) == [2])
    #expect(again.launches.map(\.count) == [20])
    #expect(again.launches.map(\.cursor) == ["c"])
    #expect(again.newSlices == again.launches)
    // A slice that is tried again was in flight all the time.
    _ = state.sliceEnded(again.launches[0], .givenUp, at: noon)
    let retried = state.tick(at: noon)
    #expect(retried.launches == again.launches && retried.newSlices == [])
  }
}
