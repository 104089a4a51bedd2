import Cron
import Larder

/// A generator of the same numbers each time, so that a failure can be repeated.
struct SeededRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

func withBytes<Result, Failure: Error>(
  _ text: String, _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
) throws(Failure) -> Result {
  try withBytes(Array(text.utf8), body)
}

func withBytes<Result, Failure: Error>(
  _ bytes: [UInt8], _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
) throws(Failure) -> Result {
  let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(bytes.count, 1))
  defer { buffer.deallocate() }
  _ = buffer.initialize(from: bytes)
  return try body(UnsafeBufferPointer(rebasing: buffer[..<bytes.count]))
}

/// The instant that an RFC 3339 text names.
func at(_ text: String) -> Instant {
  guard let instant = RFC3339.parse(text) else { preconditionFailure("\(text) is no time") }
  return instant
}

func schedule(
  _ cron: String, zone: String = "UTC", catchup: ScheduleSpec.Catchup = .latest,
  window: Duration = .seconds(86_400)
) throws -> ScheduleSpec {
  var spec = ScheduleSpec(
    name: "hourly", cron: try CronExpression.parse(cron),
    zone: zone == "UTC" ? .utc : try Zone.load(zone))
  spec.catchup = catchup
  spec.catchupWindow = window
  return spec
}

/// A pool with a producer, a target of 100 and a reorder point of 20.
func poolStatus(
  available: Int = 0, _ change: (inout PoolStatus) -> Void = { _ in }
) -> PoolStatus {
  var pool = Pool(name: "keys")
  pool.producer = ProducerSpec(command: ["make"], executable: "make", directory: "/")
  pool.stock.target = 100
  pool.stock.reorderAt = 20
  pool.stock.max = 150
  var status = PoolStatus(pool: pool)
  status.stock.available = available
  change(&status)
  return status
}

func run(
  _ state: RunState = .running, reason: RunReason = .schedule, asked: Int = 0, covered: Int = 0,
  slice: Int? = nil
) -> Run {
  var run = Run(id: "r", pool: "keys", reason: reason, state: state, createdAt: at(noon))
  run.asked = asked
  run.covered = covered
  if state == .running { run.startedAt = at(noon) }
  if let slice {
    run.slices = [Slice(number: 1, state: .running, asked: slice, startedAt: at(noon))]
  }
  return run
}

let noon = "2026-06-01T12:00:00Z"
