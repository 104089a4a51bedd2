/// A command of `larder`.
struct Command: Sendable {
  /// One word, or two with a blank between them.
  let name: String
  /// The arguments as the help shows them.
  let arguments: String
  let summary: String
  /// What the help says besides, in lines.
  var notes: String = ""
  let options: [Option]
  /// The common options that mean something to it; all are accepted but `--server`.
  var common: [Option] = Option.common
  /// Does the work and gives the exit code.
  let run: @Sendable (Context) throws(CommandError) -> Int32

  static let all: [Command] = [
    .serve, .check, .next, .prefill, .put, .claim, .confirm, .release, .cancel, .claims, .levels,
    .runs, .run, .pause, .resume, .resetBreaker, .recall, .purge, .backup, .restore, .verify,
    .importDemand, .demand, .misses, .waste, .plan, .simulate,
  ]

  /// The command that a command line begins with, and the words behind its name.
  static func find(_ words: [String]) -> (command: Command, rest: [String])? {
    for command in all {
      let name = command.name.split(separator: " ")
      if words.starts(with: name, by: { $0 == $1 }) {
        return (command, Array(words.dropFirst(name.count)))
      }
    }
    return nil
  }

  /// The commands of two words whose first one it is.
  static func family(_ word: String) -> [Command] {
    all.filter { $0.name.hasPrefix(word + " ") }
  }

  var usage: String { "larder \(name)\(arguments.isEmpty ? "" : " \(arguments)") [OPTIONS]" }

  /// The command's help.
  var help: String {
    var text = "Usage: \(usage)\n\nlarder \(name) \(summary).\n"
    if !notes.isEmpty { text += "\n\(notes)\n" }
    text += "\nOptions:\n"
    for option in options + common {
      let left = option.name + (option.value.map { " \($0)" } ?? "")
      let gap = String(repeating: " ", count: max(2, 28 - left.count))
      text += "  \(left)\(gap)\(option.help)"
      if let variable = option.variable { text += " [\(variable)]" }
      text += "\n"
    }
    return text
  }

  /// The help of the whole program.
  static var overview: String {
    var text = """
      larder keeps results ready before anyone asks: a scheduler runs producers ahead of demand
      and fills an inventory, and a request claims a finished item in about a millisecond.

      Usage: larder COMMAND [ARGUMENTS] [OPTIONS]

      Commands:

      """
    for command in all {
      let left = command.name + (command.arguments.isEmpty ? "" : " \(command.arguments)")
      let gap =
        left.count < 34
        ? String(repeating: " ", count: 36 - left.count)
        : "\n"
          + String(
            repeating: " ", count: 38)
      text += "  \(left)\(gap)\(command.summary)\n"
    }
    text += """

      `larder COMMAND --help` tells a command's options. Standard output is data, all else goes to
      standard error. Exit codes: 0 done, 1 refused or failed, 2 bad usage, 3 out of stock.

      """
    return text
  }
}
