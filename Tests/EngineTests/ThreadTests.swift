import Larder
import Testing

@testable import Engine

@Suite struct ThreadTests {
  @Test func readingsGoOnSideBySide() throws {
    let readers = try StoreReaders(count: 2) { () throws(StoreError) in FakeReader() }
    let gate = Gate()
    let log = Log()
    for number in 0..<2 {
      let accepted = readers.read { (reader) throws(StoreError) in
        gate.pass()
        return try reader.pools(nil, at: noon).count + number
      } _: { result in
        log.add("\(result)")
      }
      #expect(accepted)
    }
    #expect(gate.awaitArrivals(2))
    gate.open()
    readers.stop()
    #expect(log.all.count == 2)
  }

  @Test func errorsOfReadingsAreAnswers() throws {
    let readers = try StoreReaders(count: 1) { () throws(StoreError) in FakeReader() }
    let answers = Mailbox<[Result<Claim?, StoreError>]>([])
    let accepted = readers.read { (reader) throws(StoreError) in
      try reader.claim("x")
    } _: { answer in
      answers.change { $0.append(answer) }
    }
    #expect(accepted)
    readers.stop()
    #expect(answers.change { $0 } == [.failure(.failed("x"))])
  }

  @Test func readingsThatWaitHaveALimitAndAreDoneBeforeTheEnd() throws {
    let readers = try StoreReaders(count: 1) { () throws(StoreError) in FakeReader() }
    let gate = Gate()
    let count = Mailbox(0)
    let read = {
      readers.read { (_) throws(StoreError) in
        gate.pass()
      } _: { _ in
        count.change { $0 += 1 }
      }
    }
    #expect(read() && gate.awaitArrivals(1))
    for _ in 0..<Limits.waitingReads { #expect(read()) }
    #expect(!read())
    gate.open()
    readers.stop()
    #expect(!read())
    #expect(count.change { $0 } == Limits.waitingReads + 1)
  }

  @Test func aReaderThatCannotBeOpenedIsAnError() {
    #expect(throws: StoreError.missing(path: "x")) {
      try StoreReaders { () throws(StoreError) in throw .missing(path: "x") }
    }
    // The thread of a first reader that was opened ends, and lets go of it.
    let log = Log()
    var opened = 0
    #expect(throws: StoreError.missing(path: "x")) {
      try StoreReaders(count: 2) { () throws(StoreError) in
        opened += 1
        if opened == 2 { throw .missing(path: "x") }
        return FakeReader { log.add("let go") }
      }
    }
    #expect(log.wait { $0 == ["let go"] })
  }

  @Test func aMailboxWaitsForAChange() {
    let box = Mailbox(0)
    let gate = Gate()
    let thread = WorkThread("test") {
      gate.pass()
      for _ in 0..<10 { box.change { $0 += 1 } }
    }
    #expect(box.take(within: .zero) { $0 > 0 ? $0 : nil } == nil)
    #expect(box.take(within: .milliseconds(2)) { $0 > 0 ? $0 : nil } == nil)
    gate.open()
    #expect(box.take { $0 == 10 ? $0 : nil } == 10)
    thread.join()
    // What is there already needs no waiting, however short the span.
    #expect(box.take(within: .zero) { $0 } == 10)
    #expect(box.take(within: .seconds(-5)) { $0 } == 10)
  }

  @Test func aMailboxLosesNothingAmongThreads() {
    let box = Mailbox<[Int]>([])
    let taken = Mailbox(0)
    let consumers = (0..<3).map { _ in
      WorkThread("test") {
        while let value = box.take({ $0.isEmpty ? nil : $0.removeLast() }), value >= 0 {
          taken.change { $0 += value }
        }
      }
    }
    let makers = (0..<4).map { _ in
      WorkThread("test") { for value in 1...500 { box.change { $0.append(value) } } }
    }
    for thread in makers { thread.join() }
    #expect(taken.take(within: .seconds(60)) { $0 == 4 * 125_250 ? true : nil } == true)
    for _ in consumers { box.change { $0.append(-1) } }
    for thread in consumers { thread.join() }
  }
}
