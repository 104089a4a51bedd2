import Glibc
import Larder

/// The command `larder`.
package enum LarderCLI {
  package static let version = "0.1.0"

  /// Runs the command that the words name and gives the exit code.
  ///
  /// - Parameter words: the command line without the program's own name.
  package static func run(_ words: [String], environment: [String: String]) -> Int32 {
    // A reader that goes away is noticed by the write that fails.
    signal(SIGPIPE, SIG_IGN)
    if words.isEmpty {
      Terminal.error(Command.overview)
      return 2
    }
    if ["--help", "-h", "help"].contains(words[0]), words.count == 1 {
      Terminal.output(Command.overview)
      return 0
    }
    if words[0] == "--version" || words[0] == "version" {
      Terminal.output("larder \(version)\n")
      return 0
    }
    let wantsHelp = words[0] == "help" || words.contains("--help") || words.contains("-h")
    let asked = words[0] == "help" ? Array(words.dropFirst()) : words
    guard let (command, rest) = Command.find(asked) else {
      return unknown(asked[0], wantsHelp: wantsHelp)
    }
    if wantsHelp {
      Terminal.output(command.help)
      return 0
    }
    return run(command, rest, environment)
  }

  /// Tells of a word that no command begins with, or only ones of two words.
  private static func unknown(_ word: String, wantsHelp: Bool) -> Int32 {
    let family = Command.family(word)
    if wantsHelp, !family.isEmpty {
      Terminal.output(family.map(\.help).joined(separator: "\n"))
      return 0
    }
    let usages = family.map { "`\($0.usage)`" }.joined(separator: " or ")
    Terminal.error(
      family.isEmpty
        ? "larder: unknown command \(word): `larder --help` lists the commands\n"
        : "larder \(word): a word is missing or unknown: \(usages)\n")
    return 2
  }

  private static func run(
    _ command: Command, _ words: [String], _ environment: [String: String]
  ) -> Int32 {
    do throws(CommandError) {
      let arguments = try Arguments(
        words, options: command.options + Option.common, environment: environment)
      if arguments.has(.server), !command.common.contains(where: { $0.name == "--server" }) {
        throw .usage("works without a server: --server has no meaning here")
      }
      let code = try command.run(Context(arguments: arguments))
      return code == 0 && Terminal.outputFailed ? 1 : code
    } catch {
      switch error {
      case .usage(let message):
        Terminal.error(
          "larder \(command.name): \(message)\nUsage: \(command.usage)\n"
            + "`larder \(command.name) --help` tells more\n")
      case .failed(let message):
        Terminal.error("larder \(command.name): \(message)\n")
      case .problem(let problem, let body):
        if words.contains("--json") { Terminal.output(body + [0x0A]) }
        var message = problem.detail
        if let retryAfter = problem.retryAfter {
          message += "; try again in \(DurationText.format(retryAfter))"
        }
        Terminal.error("larder \(command.name): \(message)\n")
      }
      return error.exitCode
    }
  }
}
