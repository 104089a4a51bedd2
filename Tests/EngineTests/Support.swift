import Cron
import Foundation
import Larder
import Lock
import SQLiteStore

@testable import Engine

/// A folder of its own for one test, in memory where that is possible.
final class TemporaryFolder: Sendable {
  let path: String

  init() {
    let memory = "/dev/shm"
    let parent =
      FileManager.default.isWritableFile(atPath: memory) ? memory : NSTemporaryDirectory()
    path = parent + "/larder-engine-" + UUID().uuidString
    try! FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700])
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func file(_ name: String) -> String { path + "/" + name }
}

/// The definitions that a test's store keeps, by name: it needs no files.
final class Definitions: Sendable {
  private let pools = Lock<[String: Pool]>([:])

  var reader: Definition.Reader {
    { [self] source, _ throws(StoreError) in
      guard let pool = pools.withLock({ $0[source] }) else { throw .unknownPool(source) }
      return pool
    }
  }

  func definition(_ pool: Pool) -> Definition {
    pools.withLock { $0[pool.name] = pool }
    return Definition(pool: pool, source: pool.name, file: "/\(pool.name).yaml")
  }
}

/// The instant that an RFC 3339 text names.
func at(_ text: String) -> Instant {
  guard let instant = RFC3339.parse(text) else { preconditionFailure("\(text) is no time") }
  return instant
}

let noon = at("2026-06-01T12:00:00Z")

func schedule(
  _ cron: String, name: String = "hourly", catchup: ScheduleSpec.Catchup = .latest
) -> ScheduleSpec {
  guard let expression = try? CronExpression.parse(cron) else {
    preconditionFailure("\(cron) is no cron expression")
  }
  var spec = ScheduleSpec(name: name, cron: expression, zone: .utc)
  spec.catchup = catchup
  return spec
}

/// A pool with a producer and a target of 100, slices of 10, and no reorder point.
func makePool(_ name: String = "keys", _ change: (inout Pool) -> Void = { _ in }) -> Pool {
  var pool = Pool(name: name)
  pool.producer = ProducerSpec(command: ["make"], executable: "make", directory: "/")
  pool.producer?.slice = 10
  pool.stock.target = 100
  pool.stock.max = 150
  pool.claims.perUser = 0
  change(&pool)
  return pool
}

extension SQLiteStore {
  /// Opens the store of a folder. A producer that another test starts at this moment holds the
  /// lock of a store that was closed until its program has replaced this one.
  static func open(in folder: TemporaryFolder, _ definitions: Definitions) throws -> SQLiteStore {
    let pause = Mailbox(())
    for _ in 0..<2000 {
      do throws(StoreError) {
        return try SQLiteStore(path: folder.file("db"), readDefinition: definitions.reader)
      } catch {
        guard case .served = error else { throw error }
        _ = pause.take(within: .milliseconds(1)) { _ in nil as Bool? }
      }
    }
    return try SQLiteStore(path: folder.file("db"), readDefinition: definitions.reader)
  }
}
