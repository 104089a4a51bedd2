/// An option that a command knows.
struct Option: Sendable {
  /// With its dashes, such as `--count`.
  let name: String
  /// What stands for its value in the help; nil for one without a value.
  var value: String?
  let help: String
  /// The environment variable that stands for it where it is not given.
  var variable: String?
  var isRepeatable = false
  /// How many words its value takes.
  var words = 1

  static let store = Option(
    name: "--store", value: "sqlite:PATH", help: "the store (default sqlite:larder.db)",
    variable: "LARDER_STORE")
  static let schedules = Option(
    name: "--schedules", value: "DIR", help: "the schedule files (default Schedules)",
    variable: "LARDER_SCHEDULES")
  static let server = Option(
    name: "--server", value: "URL",
    help: "ask this server: http://127.0.0.1:8420 or unix:PATH", variable: "LARDER_SERVER")
  static let json = Option(name: "--json", help: "print what the same call answers over HTTP")
  static let help = Option(name: "--help", help: "print this help")

  /// The options that every command takes.
  static let common: [Option] = [store, schedules, server, json, help]
}
