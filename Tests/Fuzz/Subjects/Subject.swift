/// A part of Larder that reads what others write. Whatever the bytes, it must take or refuse them,
/// and what it makes of them must hold together.
enum Subject: String, CaseIterable, Sendable {
  /// A line with a cron expression, one with an instant, one with a time zone: what fires next.
  case cron
  /// Requests and what the API answers over a store, one after the other.
  case http
  /// An access log.
  case log
  /// What a producer prints.
  case producer
  /// A schedule file.
  case schedule
  /// Durations, times and JSON.
  case text
  /// A file of the tz database, and what fires next in its zone.
  case tzif

  /// Lets the subject read the bytes, and throws where it breaks what it promises.
  func check(_ bytes: [UInt8]) throws(Broken) {
    switch self {
    case .cron: try checkCron(bytes)
    case .http: try checkHTTP(bytes)
    case .log: try checkLog(bytes)
    case .producer: try checkProducer(bytes)
    case .schedule: try checkSchedule(bytes)
    case .text: try checkText(bytes)
    case .tzif: try checkZoneFile(bytes)
    }
  }
}

/// A promise that was broken.
struct Broken: Error, CustomStringConvertible {
  let description: String
}

func require(_ holds: Bool, _ promise: @autoclosure () -> String) throws(Broken) {
  if !holds { throw Broken(description: promise()) }
}
