import Engine
import Foundation
import HTTPServer
import Larder
import Lock
import SQLiteStore
import ScheduleFile

@testable import API

/// The API over a store and an engine of its own, on a clock that only calls move.
final class Place: Sendable {
  /// Calls of one history.
  static let callLimit = 12

  private static let pools = [
    """
    pool: p
    stock: {max: 20, duplicates: replace}
    claims: {per_user: 3, hold: 10m, on_release: restock}
    """,
    """
    pool: q
    claims: {per_user: 0, order: fifo, on_miss: backorder, backorder: {timeout: 15m}}
    """,
  ]

  private let folder: String
  private let writer: StoreWriter
  private let readers: StoreReaders
  private let engine: Engine
  private let api: API
  private let now: Lock<Instant>
  /// Whether anything happened that a later history might see.
  private let isUsed = Lock(false)

  /// The last one: it is given again as long as it stays as it was made.
  private static let last = Lock<Place?>(nil)

  /// A place where nothing has happened yet.
  static func fresh() throws -> Place {
    try last.withLock { last in
      if let place = last, !place.isUsed.withLock({ $0 }) { return place }
      last = nil
      let place = try Place()
      last = place
      return place
    }
  }

  private init() throws {
    let memory = "/dev/shm"
    let parent =
      FileManager.default.isWritableFile(atPath: memory) ? memory : NSTemporaryDirectory()
    folder = parent + "/larder-fuzz-" + UUID().uuidString
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let database = folder + "/larder.db"
    let start = Instant(seconds: 1_800_000_000)
    let now = Lock(start)
    self.now = now
    let clock: @Sendable () -> Instant = { now.withLock { $0 } }
    let store = try SQLiteStore(
      path: database, ids: UUIDv7(random: Numbers()), readDefinition: Self.read)
    for source in Self.pools {
      let pool = try Self.read(source, "/srv/pool.yaml")
      try store.adopt(
        Definition(pool: pool, source: source, file: "/srv/\(pool.name).yaml"), at: start)
    }
    writer = StoreWriter(store: store, clock: clock) { fatalError("\($0)") }
    readers = try StoreReaders(count: 1) { () throws(StoreError) in
      try SQLiteReader(path: database, readDefinition: Self.read)
    }
    engine = Engine(
      writer: writer, readers: readers, producers: 1, automatic: false, clock: clock,
      observer: Engine.Observer(ended: { _ in }, trouble: { fatalError($0) }))
    engine.start()
    api = API(writer: writer, readers: readers, engine: engine, clock: clock)
    // Whoever asks to wait is answered at once.
    api.stopWaiting()
  }

  deinit {
    engine.stop()
    api.close()
    readers.stop()
    writer.stop()
    try? FileManager.default.removeItem(atPath: folder)
  }

  @Sendable private static func read(
    _ source: String, _ file: String
  ) throws(StoreError) -> Pool {
    let parsed = ScheduleFile.parse(Array(source.utf8), file: file, directory: "/srv")
    guard let pool = parsed.pool else { throw .failed("\(parsed.diagnostics)") }
    return pool
  }

  /// Lets the clock go on.
  func pass(_ span: Duration) {
    guard span > .zero else { return }
    isUsed.withLock { $0 = true }
    now.withLock { $0 = $0 + span }
  }

  /// The answer to a call; nil if none comes in time.
  func answer(_ request: APIRequest) -> HTTPResponse? {
    let box = Mailbox<HTTPResponse?>(nil)
    api.handle(request) { response in box.change { $0 = response } }
    let response = box.take(within: .seconds(20)) { $0 }
    if let response, request.method == "GET" || [400, 404, 405, 415].contains(response.status) {
      return response
    }
    isUsed.withLock { $0 = true }
    return response
  }

  /// Looks whether everything that must hold of a store does.
  func check() throws(Broken) {
    guard isUsed.withLock({ $0 }) else { return }
    let found: Verification
    do {
      found = try Verification.of(folder + "/larder.db", readDefinition: Self.read)
    } catch {
      throw Broken(description: "the store cannot be verified: \(error)")
    }
    let first = found.violations.first
    try require(found.isSound, "\(first?.place ?? ""): \(first?.problem ?? "")")
  }
}

/// The same numbers each time, so that ids are the same.
private struct Numbers: RandomNumberGenerator {
  private var state: UInt64 = 0

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
  }
}
