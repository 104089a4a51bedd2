import Foundation
import Lock
import Testing

@Suite struct LockTests {
  private struct Refusal: Error, Equatable {}

  @Test func threadsLoseNoChangeToEachOther() {
    let threads = 4
    let turns = 10_000
    let lock = Lock(0)
    let ends = Lock(0)
    for _ in 0..<threads {
      Thread.detachNewThread {
        for _ in 0..<turns { lock.withLock { $0 += 1 } }
        ends.withLock { $0 += 1 }
      }
    }
    while ends.withLock({ $0 }) < threads { sched_yield() }
    #expect(lock.withLock { $0 } == threads * turns)
  }

  @Test func anErrorLeavesTheLockFree() {
    let lock = Lock(1)
    #expect(throws: Refusal()) {
      try lock.withLock { state throws(Refusal) in
        state = 2
        throw Refusal()
      }
    }
    #expect(lock.withLock { $0 } == 2)
  }
}
