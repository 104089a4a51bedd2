import Cron
import Sizing

/// A named stock of interchangeable items, as one schedule file declares it.
package struct Pool: Sendable {
  /// The pool's name: `[a-z0-9]`, then `[a-z0-9._-]`, at most 63 characters.
  package var name: String
  package var description: String = ""
  /// Nothing runs; claims go on.
  package var suspend: Bool = false
  /// What makes the items; nil where the pool is filled by `larder put` alone.
  package var producer: ProducerSpec?
  package var stock: StockPolicy = StockPolicy()
  package var schedules: [ScheduleSpec] = []
  package var claims: ClaimPolicy = ClaimPolicy()
  package var demand: DemandPolicy = DemandPolicy()

  package init(name: String) {
    self.name = name
  }

  /// Whether a name may name a pool.
  package static func isValidName(_ name: String) -> Bool {
    func isAlphanumeric(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
    guard let first = name.utf8.first, name.utf8.count <= Limits.poolNameBytes else { return false }
    return isAlphanumeric(first)
      && name.utf8.allSatisfy { isAlphanumeric($0) || ".-_".utf8.contains($0) }
  }
}

/// The program that makes a pool's items, and how it is run.
package struct ProducerSpec: Sendable, Hashable {
  /// How a producer prints items.
  package enum Output: String, Sendable, Hashable, CaseIterable {
    /// One JSON object a line.
    case jsonl
    /// Each line is one payload, kept as a JSON string.
    case lines
  }

  /// Arguments, the program's name first, as written in the file.
  package var command: [String]
  /// The program: an absolute path, or a bare name that is looked up in PATH.
  package var executable: String
  /// Where the program is started: its own folder, or the schedule file's for a bare name.
  package var directory: String
  package var output: Output = .jsonl
  /// Variables besides PATH, HOME, LANG and Larder's own, by name.
  package var environment: [String: String] = [:]
  /// Variables whose content is read from a file: name to absolute path.
  package var secrets: [String: String] = [:]
  /// Items asked for at once.
  package var slice: Int = 100
  /// The longest that one slice may take.
  package var timeout: Duration = .seconds(300)
  /// Runs of this pool at once.
  package var concurrency: Int = 1
  /// How many items may be asked for in a time; nil: unlimited.
  package var rate: Rate?
  package var retry: RetryPolicy = RetryPolicy()
  package var breaker: BreakerPolicy = BreakerPolicy()
  package var revision: String = ""

  package init(command: [String], executable: String, directory: String) {
    self.command = command
    self.executable = executable
    self.directory = directory
  }
}

/// A number of items in a time, such as `600/h`.
package struct Rate: Sendable, Hashable {
  package var items: Double
  package var per: Duration

  package init(items: Double, per: Duration) {
    self.items = items
    self.per = per
  }

  /// How long the supply of `count` items takes at this rate.
  package func time(for count: Int) -> Duration {
    .milliseconds(Int64((Double(count) / items * Double(per.inMilliseconds)).rounded(.up)))
  }
}

/// How a failed slice is tried again: exponentially later, with full jitter.
package struct RetryPolicy: Sendable, Hashable {
  /// Tries of a slice, the first included.
  package var attempts: Int = 5
  package var backoff: Duration = .seconds(10)
  package var maxBackoff: Duration = .seconds(300)

  package init() {}

  /// The ceiling of the wait after `failures` failures in a row (1 or more): `backoff`,
  /// doubled for each failure after the first, at most `maxBackoff`.
  package func ceiling(afterFailures failures: Int) -> Duration {
    var wait = min(backoff, maxBackoff)
    for _ in 1..<max(failures, 1) {
      guard .zero < wait, wait < maxBackoff else { break }
      wait = min(wait + wait, maxBackoff)
    }
    return wait
  }
}

/// When failed runs stop a pool from being asked for more.
package struct BreakerPolicy: Sendable, Hashable {
  /// Failed runs in a row that open the breaker.
  package var failures: Int = 5
  /// How long it stays open before one run may try again.
  package var cooldown: Duration = .seconds(600)

  package init() {}
}

/// How much of a pool is kept, and for how long.
package struct StockPolicy: Sendable, Hashable {
  /// What becomes of an item whose key the pool has seen before.
  package enum Duplicates: String, Sendable, Hashable, CaseIterable {
    /// It adds nothing.
    case ignore
    /// It takes the place of the item on the shelf.
    case replace
  }

  /// What stale items, those of an older producer revision, are.
  package enum OnRevision: String, Sendable, Hashable, CaseIterable {
    /// Ordinary stock.
    case keep
    /// Handed out last, and recalled, one for each new item.
    case replace
  }

  /// What a target that follows demand is for.
  package enum Sizing: String, Sendable, Hashable, CaseIterable {
    /// Runs fill up to it, and top-ups come between the scheduled ones.
    case auto
    /// It is shown, and runs fill up to `floor`.
    case forecastOnly = "forecast_only"
  }

  /// The level that runs fill up to; nil where there is no producer, with `isAuto` or `takesAll`.
  package var target: Int?
  /// The target follows demand (`target: auto`).
  package var isAuto = false
  package var sizing = Sizing.auto
  /// Whether a pool that is sized by its demand is topped up between scheduled runs. No file says it:
  /// simulations compare what top-ups are worth.
  package var topsUp = true
  /// What a target that follows demand never falls below.
  package var min = 0
  /// Runs ask slice after slice, until one is short or `max` is reached (`target: all`).
  package var takesAll = false
  /// The level at or below which the pool is refilled, schedule or not; 0: never.
  package var reorderAt: Int = 0
  /// What available and in-flight items together never pass.
  package var max: Int = 10_000
  /// How long an item keeps that names no expiry of its own; nil: for good.
  package var shelfLife: Duration?
  package var duplicates: Duplicates = .ignore
  package var onRevision: OnRevision = .keep
  /// What plans weigh against each other.
  package var costs = Costs(miss: 5)

  package init() {}

  /// The least that a target which follows demand is: `min`, and room above the reorder point.
  package var floor: Int {
    Swift.min(Swift.max(min, reorderAt > 0 ? reorderAt + 1 : 0), max)
  }
}

/// When to prefill a pool: a cron expression in a time zone.
package struct ScheduleSpec: Sendable {
  /// What happens to nominal times that were missed.
  package enum Catchup: String, Sendable, Hashable, CaseIterable {
    case none, latest, all
  }

  /// What happens to a nominal time that comes before this schedule's last run has ended.
  package enum Overlap: String, Sendable, Hashable, CaseIterable {
    /// It starts no run.
    case skip
    /// Its run waits for the end of the last one; one waits at most.
    case queue
    /// It ends the last run, of which nothing is committed afterwards, and starts its own.
    case replace
  }

  package var name: String
  package var cron: CronExpression
  package var zone: Zone
  /// The level that this schedule's runs fill up to, instead of the pool's.
  package var target: Int?
  /// The longest that a run starts after its nominal time. How long, each nominal time says itself
  /// by a hash.
  package var jitter: Duration = .zero
  package var catchup: Catchup = .latest
  /// Missed times older than this are never run.
  package var catchupWindow: Duration = .seconds(86_400)
  package var overlap: Overlap = .skip
  package var suspend: Bool = false

  package init(name: String, cron: CronExpression, zone: Zone) {
    self.name = name
    self.cron = cron
    self.zone = zone
  }

  /// What identifies the schedule's nominal times: another expression or zone has other ones.
  package var timing: String {
    "\(cron.source) \(zone.name)"
  }
}

/// How a pool's items are claimed.
package struct ClaimPolicy: Sendable, Hashable {
  package enum Order: String, Sendable, Hashable, CaseIterable {
    /// First expired, first out; then the oldest.
    case fefo
    /// First in, first out.
    case fifo
  }

  /// What a request that finds too few items comes to.
  package enum OnMiss: String, Sendable, Hashable, CaseIterable {
    /// It is refused.
    case reject
    /// It becomes a backorder: a claim that waits for its items.
    case backorder
  }

  /// What becomes of items whose hold was released or lapsed: their payload was handed out.
  package enum OnRelease: String, Sendable, Hashable, CaseIterable {
    /// They are quarantined.
    case discard
    /// They go back on the shelf.
    case restock
  }

  package var order: Order = .fefo
  /// Items that one user may have of this pool; 0: no limit.
  package var perUser: Int = 1
  /// An item is expired this long before its expiry.
  package var minRemaining: Duration = .zero
  /// The longest hold; zero: none is allowed.
  package var hold: Duration = .seconds(600)
  package var onMiss: OnMiss = .reject
  /// How long a backorder waits.
  package var backorderTimeout: Duration = .seconds(900)
  package var onRelease: OnRelease = .discard
  /// Where filled backorders and recalls are pushed to; nil: nowhere.
  package var webhook: WebhookSpec?

  package init() {}
}

/// Where results are pushed to.
package struct WebhookSpec: Sendable, Hashable {
  /// `http://…` or `https://…`.
  package var url: String
  /// The absolute path of the file with the key that signs what is pushed.
  package var secret: String

  package init(url: String, secret: String) {
    self.url = url
    self.secret = secret
  }
}
