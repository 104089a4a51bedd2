import Glibc
import Larder

extension ScheduleFile {
  /// Reads one file. What keeps it from being read is an error at 1:1.
  /// - Parameter path: as it is to be shown; relative to the working folder where it is relative.
  package static func load(path: String) -> LoadedFile {
    let absolute = Paths.absolute(path, in: workingFolder())
    func failed(_ message: String, _ hint: String? = nil) -> LoadedFile {
      LoadedFile(
        path: absolute, shownPath: path,
        problem: Diagnostic(file: path, message: message, hint: hint))
    }
    let bytes: [UInt8]
    do throws(ReadError) {
      bytes = try contents(of: absolute, shown: path)
    } catch {
      switch error {
      case .system(let code):
        return failed(
          "the file cannot be read: \(String(cString: strerror(code)))",
          code == ENOENT
            ? "look at its name, and at what a link leads to" : "look at who may read it")
      case .notAFile:
        return failed("this is not a file that can be read", "is it a folder?")
      case .refused(let why, let wayOut):
        return failed("the file \(why)", wayOut)
      }
    }
    guard bytes.count <= Limits.scheduleFileBytes else {
      return LoadedFile(path: absolute, shownPath: path, problem: tooLarge(path))
    }
    let parsed = read(bytes, file: path, directory: Paths.folder(of: absolute))
    return LoadedFile(path: absolute, shownPath: path, bytes: bytes, parsed: parsed)
  }

  private enum ReadError: Error {
    case system(Int32)
    case notAFile
    case refused(why: String, wayOut: String)
  }

  /// A file's bytes; of one that is too large one byte more than it may have.
  private static func contents(
    of path: String, shown: String
  ) throws(ReadError) -> [UInt8] {
    // Without O_NONBLOCK a named pipe would be waited for.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system(errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
    if let refusal = OwnersAlone.refusal(of: shown, status) {
      throw .refused(why: refusal.why, wayOut: refusal.wayOut)
    }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    while bytes.count <= Limits.scheduleFileBytes {
      let wanted = min(buffer.count, Limits.scheduleFileBytes + 1 - bytes.count)
      let count = Glibc.read(descriptor, &buffer, wanted)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .system(errno) }
      guard count > 0 else { break }
      bytes += buffer[..<count]
    }
    return bytes
  }

  static func workingFolder() -> String {
    guard let folder = getcwd(nil, 0) else { return "/" }
    defer { free(folder) }
    return String(cString: folder)
  }
}
