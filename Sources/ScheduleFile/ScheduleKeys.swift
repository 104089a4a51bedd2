import Larder

/// Every key that a schedule file may have: what the parser goes by, and what the JSON Schema is
/// held against.
package enum ScheduleKeys {
  /// The target of a pool whose runs ask until the supplier has no more.
  static let takesAll = "all"
  /// The target of a pool that is sized by its demand.
  static let auto = "auto"

  /// The keys of the whole file; those of its mappings are in their kinds.
  package static let file = KeyTable(
    "",
    [
      Key("pool", .text(.poolName), required: true),
      Key("description", .text(.free), default: .text("")),
      Key("suspend", .boolean, default: .boolean(false)),
      Key("producer", .mapping(producer)),
      Key("stock", .mapping(stock)),
      Key(
        "schedules", .list(of: .mapping(schedule), count: FileLimits.schedules),
        default: .emptyList),
      Key("claims", .mapping(claims)),
      Key("demand", .mapping(demand)),
    ])

  static let producer = KeyTable(
    "producer",
    [
      Key("command", .list(of: .text(.argument), count: FileLimits.arguments), required: true),
      Key("output", .word(ProducerSpec.Output.allCases.map(\.rawValue)), default: .text("jsonl")),
      Key("environment", .variables(.variable), default: .emptyMapping),
      Key("secrets", .variables(.path), default: .emptyMapping),
      Key("slice", .integer(Limits.sliceItems), default: .integer(100)),
      Key("timeout", .duration(.positive), default: .text("5m")),
      Key("concurrency", .integer(FileLimits.concurrency), default: .integer(1)),
      Key("rate", .rate, default: .text("unlimited")),
      Key("retry", .mapping(retry)),
      Key("breaker", .mapping(breaker)),
      Key("revision", .text(.revision), default: .text("")),
    ])

  static let retry = KeyTable(
    "producer.retry",
    [
      Key("attempts", .integer(FileLimits.attempts), default: .integer(5)),
      Key("backoff", .duration(.any), default: .text("10s")),
      Key("max_backoff", .duration(.any), default: .text("5m")),
    ])

  static let breaker = KeyTable(
    "producer.breaker",
    [
      Key("failures", .integer(FileLimits.breakerFailures), default: .integer(5)),
      Key("cooldown", .duration(.any), default: .text("10m")),
    ])

  static let stock = KeyTable(
    "stock",
    [
      Key("target", .integerOrWord(FileLimits.stock, words: [auto, takesAll])),
      Key("reorder_at", .integer(FileLimits.stock), default: .integer(0)),
      Key("max", .integer(FileLimits.max), default: .integer(10_000)),
      Key("shelf_life", .duration(.positiveOrNone), default: .text("none")),
      Key(
        "duplicates", .word(StockPolicy.Duplicates.allCases.map(\.rawValue)),
        default: .text("ignore")),
      Key(
        "on_revision", .word(StockPolicy.OnRevision.allCases.map(\.rawValue)),
        default: .text("keep")),
      Key("miss_cost", .decimal(FileLimits.costs), default: .integer(5)),
      Key("waste_cost", .decimal(FileLimits.costs), default: .integer(1)),
      Key("holding_cost", .decimal(FileLimits.costs), default: .integer(0)),
      Key("sizing", .word(StockPolicy.Sizing.allCases.map(\.rawValue)), default: .text("auto")),
      Key("min", .integer(FileLimits.stock), default: .integer(0)),
    ])

  static let schedule = KeyTable(
    "schedules",
    [
      Key("name", .text(.scheduleName)),
      Key("cron", .text(.cron), required: true),
      Key("timezone", .text(.zone), default: .text("UTC")),
      Key("target", .integer(FileLimits.stock)),
      Key("jitter", .duration(.atMost(FileLimits.jitter)), default: .text("0s")),
      Key(
        "catchup", .word(ScheduleSpec.Catchup.allCases.map(\.rawValue)), default: .text("latest")),
      Key("catchup_window", .duration(.any), default: .text("24h")),
      Key(
        "overlap", .word(ScheduleSpec.Overlap.allCases.map(\.rawValue)), default: .text("skip")),
      Key("suspend", .boolean, default: .boolean(false)),
    ])

  static let claims = KeyTable(
    "claims",
    [
      Key("order", .word(ClaimPolicy.Order.allCases.map(\.rawValue)), default: .text("fefo")),
      Key("per_user", .integer(FileLimits.stock), default: .integer(1)),
      Key("hold", .duration(.atMost(FileLimits.hold)), default: .text("10m")),
      Key("min_remaining", .duration(.any), default: .text("0s")),
      Key(
        "on_miss", .word(ClaimPolicy.OnMiss.allCases.map(\.rawValue)), default: .text("reject")),
      Key("backorder", .mapping(backorder)),
      Key(
        "on_release", .word(ClaimPolicy.OnRelease.allCases.map(\.rawValue)),
        default: .text("discard")),
      Key("webhook", .mapping(webhook)),
    ])

  static let backorder = KeyTable(
    "claims.backorder",
    [
      Key(
        "timeout", .duration(.positiveAtMost(FileLimits.backorderTimeout)), default: .text("15m"))
    ])

  static let webhook = KeyTable(
    "claims.webhook",
    [
      Key("url", .text(.webhook), default: .text(WebhookURL.none)),
      Key("secret", .text(.path), default: .text(WebhookURL.none)),
    ])

  static let demand = KeyTable(
    "demand",
    [
      Key(
        "exclude", .list(of: .mapping(exclude), count: FileLimits.excludedSpans),
        default: .emptyList),
      Key("days", .days(count: FileLimits.dayOverrides), default: .emptyMapping),
    ])

  static let exclude = KeyTable(
    "demand.exclude",
    [
      Key("from", .text(.instant), required: true),
      Key("to", .text(.instant), required: true),
    ])

  /// Every mapping of the file, the file itself first.
  static let tables = [
    file, producer, retry, breaker, stock, schedule, claims, backorder, webhook,
    demand, exclude,
  ]
}
