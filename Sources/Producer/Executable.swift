import Glibc
import Larder

/// The program of a producer: where it is, and whether it may be run.
enum Executable {
  /// The file to run.
  /// - Parameters:
  ///   - name: an absolute path, or a bare name that is looked up.
  ///   - path: folders with colons between, in which a bare name is looked up. Folders that
  ///     aren't absolute are passed over: the result must not depend on where we are.
  static func find(_ name: String, path: String) throws(StartError) -> String {
    let file = try name.utf8.contains(UInt8(ascii: "/")) ? name : lookUp(name, path: path)
    guard !file.utf8.contains(0) else { throw StartError("a program's path can't hold NUL") }
    var status = stat()
    guard stat(file, &status) == 0 else {
      if errno == ENOENT || errno == ENOTDIR {
        throw StartError("the program \(file) does not exist: correct producer.command")
      }
      throw StartError("the program \(file) can't be looked at: \(systemText(errno))")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw StartError("the program \(file) is not a regular file: correct producer.command")
    }
    guard access(file, X_OK) == 0 else {
      throw StartError("the program \(file) may not be executed: chmod +x \(file)")
    }
    if let refusal = OwnersAlone.refusal(of: file, status) {
      throw StartError("the program \(file) \(refusal.why): \(refusal.wayOut)")
    }
    return file
  }

  private static func lookUp(_ name: String, path: String) throws(StartError) -> String {
    guard !name.isEmpty else { throw StartError("producer.command names no program") }
    let folders = path.split(separator: ":").filter { $0.hasPrefix("/") }
    for folder in folders {
      let file = "\(folder)/\(name)"
      var status = stat()
      if stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, access(file, X_OK) == 0 {
        return file
      }
    }
    throw StartError(
      "the program \(name) is in no folder of PATH (\(path)): install it, or write its path "
        + "with a / in producer.command")
  }

  /// Why the kernel refused a program that `find` accepted.
  static func refusal(_ code: Int32, file: String, directory: String) -> StartError {
    var status = stat()
    if stat(directory, &status) != 0 {
      return StartError("the folder \(directory) can't be entered: \(systemText(errno))")
    }
    if status.st_mode & S_IFMT != S_IFDIR {
      return StartError("the folder \(directory) can't be entered: it is not a folder")
    }
    if access(directory, X_OK) != 0 {
      return StartError("the folder \(directory) can't be entered: \(systemText(errno))")
    }
    switch code {
    case ENOENT:
      return StartError(
        "the program \(file) could not be started: the interpreter that its first line names "
          + "does not exist")
    case ENOEXEC:
      return StartError(
        "the program \(file) could not be started: it is neither a binary of this machine nor "
          + "a script whose first line names an interpreter, as #!/bin/sh does")
    default:
      return StartError("the program \(file) could not be started: \(systemText(code))")
    }
  }
}
