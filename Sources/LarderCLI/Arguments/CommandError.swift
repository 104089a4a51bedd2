import HTTPServer
import Larder
import ScheduleFile

/// Why a command ends without having done its work.
enum CommandError: Error {
  /// The command line is wrong: exit code 2.
  case usage(String)
  /// It was refused or failed: exit code 1.
  case failed(String)
  /// The API refused, with this body.
  case problem(Problem, body: [UInt8])

  var exitCode: Int32 {
    switch self {
    case .usage: 2
    case .failed: 1
    case .problem(let problem, _): problem.word.exitCode
    }
  }

  /// Runs work that throws errors of this type and of the store's.
  static func wrapping<Result>(_ body: () throws -> Result) throws(CommandError) -> Result {
    do {
      return try body()
    } catch let error as CommandError {
      throw error
    } catch {
      throw .failed("\(error)")
    }
  }

  init(_ error: HTTPServerError) {
    switch error {
    case .malformedAddress: self = .usage("\(error)")
    case .addressInUse(let address) where !address.contains("/"):
      self = .failed("\(error): `--listen` names another one")
    default: self = .failed("\(error)")
    }
  }
}
