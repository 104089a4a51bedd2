import Larder
import Testing

@testable import Engine

private let mebibyte: Int64 = 1024 * 1024
private let large = 100 * 1024 * mebibyte

@Suite struct DiskPolicyTests {
  private let start = ContinuousClock.now

  private func seen(_ frees: Int64..., size: Int64 = large) -> Disk {
    var disk = Disk(nil, at: start)
    for free in frees { disk.saw(DiskSpace(free: free, size: size), at: start) }
    return disk
  }

  @Test func fillingStopsBelowTheReserveAndResumesAQuarterAboveIt() {
    let reserve = Limits.diskReserve
    #expect(seen(reserve).mayFill && seen(reserve).why == nil)
    #expect(!seen(reserve - 1).mayFill)
    #expect(!seen(reserve - 1, reserve + reserve / 4 - 1).mayFill)
    #expect(seen(reserve - 1, reserve + reserve / 4).mayFill)
    #expect(seen(reserve - 1, reserve + reserve / 4, reserve).mayFill)
    #expect(!seen(0).isFull && seen(0).isShort)
  }

  @Test func theReserveIsAtMostATenthOfTheFileSystem() {
    #expect(DiskSpace(free: 0, size: 4 * mebibyte).reserve == 4 * mebibyte / 10)
    #expect(DiskSpace(free: 0, size: large).reserve == Limits.diskReserve)
    #expect(seen(mebibyte, size: 4 * mebibyte).mayFill)
  }

  @Test func roomWithinTheStoreCounts() {
    var disk = Disk(nil, at: start)
    disk.saw(DiskSpace(free: 0, reusable: Limits.diskReserve, size: large), at: start)
    #expect(disk.mayFill)
  }

  @Test func theReasonSaysHowMuchThereIsAndHowMuchIsNeeded() {
    #expect(
      seen(41 * mebibyte).why
        == "the disk is nearly full, with 41.0 MiB free, less than the reserve of 64.0 MiB: filling "
        + "has stopped, and claims go on; it resumes by itself at 80.0 MiB")
    var full = seen(large)
    full.tried(full: true, at: start)
    #expect(full.why?.hasPrefix("the disk is full, with 100.0 GiB free: nothing can be") == true)
    #expect(!full.mayFill && full.isShort)
    full.tried(full: false, at: start)
    #expect(full == seen(large))
  }

  @Test func whatWasMadeAlreadyMayTakeHalfOfTheReserve() {
    let half = Limits.diskReserve / 2
    #expect(seen(half + 2000).hasRoom(for: 1000, at: start))
    #expect(!seen(half + 2000).hasRoom(for: 1001, at: start))
    // Where nobody says how much there is, it is tried.
    #expect(Disk(nil, at: start).hasRoom(for: .max / 4, at: start))
  }

  @Test func refusedItemsAreTriedAgainAfterLongerAndLongerWaits() {
    var disk = seen(large)
    var now = start
    var waits: [Duration] = []
    for _ in 0..<5 {
      disk.refusedFilling(at: now)
      #expect(!disk.mayFill && !disk.hasRoom(for: 1, at: now) && disk.isShort)
      let began = now
      while !disk.mayFill {
        now += .seconds(1)
        disk.saw(disk.space, at: now)
      }
      // Nobody knows yet whether there is room.
      #expect(disk.why?.contains("is tried again by itself") == true)
      waits.append(now - began)
    }
    #expect(waits == [1, 2, 4, 8, 8].map { .seconds($0) })
    disk.filled(at: now)
    #expect(disk.why == nil && disk.mayFill)
    disk.refusedFilling(at: now)
    disk.saw(disk.space, at: now + .seconds(1))
    #expect(disk.mayFill && disk.isShort)
    disk.saw(disk.space, at: now + .seconds(1) + Limits.diskForgets + .milliseconds(1))
    #expect(!disk.isShort)
  }

  @Test(arguments: [
    (0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (1536, "1.5 KiB"),
    (Int64.max, "7.9 EiB"),
  ])
  func sizesAreForPeople(_ bytes: Int64, _ text: String) {
    var full = Disk(DiskSpace(free: bytes, size: .max), at: start)
    full.tried(full: true, at: start)
    #expect(full.why?.contains("with \(text) free") == true)
  }
}

@Suite struct DiskEngineTests {
  private static let low = Disk(DiskSpace(free: 0, size: large))
  private static let ample = Disk(DiskSpace(free: large, size: large))

  @Test func nothingIsAskedForOnANearlyFullDiskAndAllGoesOnAfterwards() throws {
    let driver = try Driver([
      makePool { pool in
        pool.stock.target = 30
        pool.stock.reorderAt = 10
        pool.producer?.slice = 10
      }
    ])
    let first = try driver.next()
    try driver.disk(Self.low)
    // A slice that is under way is kept, and the run asks for no more.
    try driver.finish(first)
    #expect(driver.outstanding.isEmpty && driver.launches.count == 1)
    try driver.advance(by: .seconds(3600))
    #expect(driver.launches.count == 1)
    #expect(try driver.status().runs.map(\.state) == [.running])
    #expect(try driver.status().reasons(at: driver.now)[0].hasPrefix("the disk is nearly full"))
    #expect(throws: Problem(diskFull: Self.low.why ?? "")) { try driver.request() }

    try driver.disk(Self.ample)
    try driver.finishAll()
    #expect(driver.launches.map(\.slice) == [1, 2, 3])
    #expect(try driver.status().stock.available == 30)
    #expect(driver.ended.map(\.state) == [.succeeded])
  }

  @Test func timesThatPassOnANearlyFullDiskAreMissedOnes() throws {
    let driver = try Driver([
      makePool { pool in
        pool.stock.target = 5
        pool.stock.reorderAt = 0
        pool.schedules = [schedule("*/10 * * * *")]
      }
    ])
    try driver.disk(Self.low)
    try driver.advance(by: .seconds(3030))
    #expect(try driver.runs().isEmpty && driver.launches.isEmpty)
    // Holds and expiry go on: what is still to come is not forgotten.
    try driver.disk(Self.ample)
    #expect(driver.launches.count == 1)
    #expect(try driver.runs().map(\.why) == ["5 times were missed; catchup: latest"])
  }

  @Test func aPoolThatComesWhileTheDiskIsNearlyFullWaitsAsWell() throws {
    let driver = try Driver([])
    try driver.disk(Self.low)
    try driver.adopt(
      makePool { pool in
        pool.stock.target = 5
        pool.stock.reorderAt = 1
      })
    #expect(driver.launches.isEmpty)
    try driver.disk(Self.ample)
    #expect(driver.launches.count == 1)
  }

  @Test func itemsStillExpireOnANearlyFullDisk() throws {
    let driver = try Driver([makePool { $0.producer = nil }])
    try driver.put(3, expiresAt: noon + .seconds(60))
    try driver.disk(Self.low)
    try driver.advance(by: .seconds(61))
    #expect(try driver.status().stock.expired == 3)
  }
}

@Suite struct DiskWriterTests {
  private let log = Log()

  private func put(_ writer: StoreWriter, bytes: Int = 1, isMade: Bool = false) throws(StoreError) {
    try writer.perform(filling: StoreWriter.Filling(bytes: bytes, isMade: isMade)) {
      (store, now) throws(StoreError) in _ = try store.put([], in: "p", at: now)
    }
  }

  private func claim(_ writer: StoreWriter, user: Int) {
    let accepted = writer.claim(ClaimRequest(pool: "p", user: "\(user)")) { [log] result in
      switch result {
      case .success: log.add("answer")
      case .failure(let error): log.add("refusal \(error)")
      }
    }
    #expect(accepted)
  }

  @Test func onANearlyFullDiskItemsAreRefusedAndClaimsGoOn() throws {
    let store = FakeStore(log)
    let room = store.room
    room.change { $0 = DiskSpace(free: 20 * mebibyte, size: 250 * mebibyte) }
    let writer = StoreWriter(store: store) { _ in }
    #expect(throws: StoreError.self) { try put(writer) }
    // What was made before may use half of the reserve of 25 MiB.
    try put(writer, isMade: true)
    #expect(throws: StoreError.self) { try put(writer, bytes: Int(4 * mebibyte), isMade: true) }
    claim(writer, user: 1)
    #expect(log.wait { $0.contains("answer") })
    #expect(writer.disk.isShort && !writer.disk.isFull)
    room.change { $0 = DiskSpace(free: 200 * mebibyte, size: 250 * mebibyte) }
    try put(writer)
    #expect(!writer.disk.isShort)
    writer.stop()
    #expect(log.all.count { $0 == "put p" } == 2)
  }

  @Test func observersAreToldOnceWhenItBeginsAndWhenItEnds() throws {
    let store = FakeStore(log)
    let room = store.room
    room.change { $0 = DiskSpace(free: 200 * mebibyte, size: 250 * mebibyte) }
    let writer = StoreWriter(store: store) { _ in }
    writer.observeDisk { [log] disk in log.add("short \(disk.isShort)") }
    #expect(log.wait { $0.contains("short false") })
    room.change { $0 = DiskSpace(free: mebibyte, size: 250 * mebibyte) }
    // Nobody asks for anything: the writer looks by itself.
    #expect(log.wait { $0.contains("short true") })
    room.change { $0 = DiskSpace(free: 200 * mebibyte, size: 250 * mebibyte) }
    #expect(log.wait { $0.filter { $0.hasPrefix("short") }.count == 3 })
    writer.stop()
    #expect(
      log.all.filter { $0.hasPrefix("short") } == ["short false", "short true", "short false"])
  }

  @Test func aFullDiskIsTriedUntilItHasRoom() throws {
    let store = FakeStore(log, claimErrors: [.full("disk")])
    // One a second: there is time for all that is to be seen meanwhile.
    store.probeErrors = Array(repeating: .full("disk"), count: 5)
    let writer = StoreWriter(store: store) { _ in }
    writer.observeDisk { [log] disk in log.add("full \(disk.isFull)") }
    claim(writer, user: 1)
    #expect(log.wait { $0.contains("refusal \(StoreError.full("disk"))") })
    // Told before the claim was answered.
    let told = try #require(log.all.firstIndex(of: "full true"))
    #expect(told < log.all.firstIndex { $0.hasPrefix("refusal") } ?? 0)
    #expect(throws: StoreError.self) { try put(writer, isMade: true) }
    #expect(log.wait { $0.last { $0.hasPrefix("full") } == "full false" })
    #expect(log.all.count { $0 == "probe" } == 6)
    try put(writer)
    writer.stop()
  }

  @Test func fewerClaimsAtOnceMayHaveRoom() {
    let store = FakeStore(log)
    store.claimsAtOnce = 20
    let writer = StoreWriter(store: store) { _ in }
    let gate = Gate()
    #expect(
      writer.submit { (_, _) throws(StoreError) in
        gate.pass()
      } _: { _ in
      })
    #expect(gate.awaitArrivals(1))
    for user in 0..<40 { claim(writer, user: user) }
    gate.open()
    writer.stop()
    #expect(
      log.all.filter { $0.hasPrefix("claim") } == ["claim 40", "claim 16", "claim 16", "claim 8"])
    #expect(log.all.count { $0 == "answer" } == 40)
    #expect(!writer.disk.isShort)
  }

  @Test func whenAFewClaimsHaveNoRoomTheOthersAreNotTried() {
    let store = FakeStore(log)
    store.claimsAtOnce = 5
    let writer = StoreWriter(store: store) { _ in }
    let gate = Gate()
    #expect(
      writer.submit { (_, _) throws(StoreError) in
        gate.pass()
      } _: { _ in
      })
    #expect(gate.awaitArrivals(1))
    for user in 0..<40 { claim(writer, user: user) }
    gate.open()
    writer.stop()
    #expect(log.all.filter { $0.hasPrefix("claim") } == ["claim 40", "claim 16"])
    #expect(log.all.count { $0 == "refusal \(StoreError.full("disk"))" } == 40)
  }

  @Test func longWorkGoesOnInSmallerSlices() {
    let store = FakeStore(log)
    store.recallable = 2
    store.recallErrors = [.full("disk")]
    let writer = StoreWriter(store: store) { _ in }
    let accepted = writer.submit(inSlicesOf: 10) { (store, now, cursor, limit) throws(StoreError) in
      try store.recall(.run("r"), in: "p", after: cursor, at: now, limit: limit)
    } _: { [log] result in
      log.add("done \((try? result.get().done) ?? -1)")
    }
    #expect(accepted && log.wait { $0.contains("done 2") })
    writer.stop()
    #expect(
      log.all.filter { $0.hasPrefix("recall") } == ["recall 10", "recall 1", "recall 1 after 1"])
  }

  @Test func whatSomebodyElseFoundDamagedIsGivenUp() {
    let damage = StoreError.damaged(path: "db", why: "malformed")
    let writer = StoreWriter(store: FakeStore(log)) { [log] in log.add("failure \($0)") }
    writer.give(up: damage)
    #expect(log.wait { $0.contains("failure \(damage)") })
    claim(writer, user: 1)
    #expect(log.wait { $0.contains("refusal \(damage)") })
    writer.stop()
    #expect(log.all.count { $0.hasPrefix("failure") } == 1)
    #expect(!log.all.contains { $0.hasPrefix("claim") })
  }

  @Test func oneOfManyErrorsIsToldOf() {
    let store = FakeStore(log, claimErrors: [.failed("a"), .failed("b")])
    let writer = StoreWriter(store: store) { _ in }
    writer.observeTrouble { [log] in log.add("trouble \($0)") }
    claim(writer, user: 1)
    claim(writer, user: 2)
    writer.stop()
    #expect(log.all.filter { $0.hasPrefix("trouble") } == ["trouble \(StoreError.failed("a"))"])
  }
}
