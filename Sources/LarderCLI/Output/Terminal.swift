import Glibc
import Synchronization

/// Standard output and standard error.
enum Terminal {
  static let outputIsTerminal = isatty(STDOUT_FILENO) == 1
  static let errorIsTerminal = isatty(STDERR_FILENO) == 1
  /// Colours are for terminals, unless NO_COLOR (no-color.org) says otherwise.
  static let errorHasColours =
    errorIsTerminal && (getenv("NO_COLOR").map { $0.pointee == 0 } ?? true)

  /// Why standard output could not be written, as an errno; 0 while it can.
  private static let outputError = Atomic<Int32>(0)

  /// Whether something that was put out is lost.
  static var outputFailed: Bool { outputError.load(ordering: .relaxed) != 0 }

  static func output(_ text: String) {
    output(Array(text.utf8))
  }

  static func output(_ bytes: [UInt8]) {
    guard !outputFailed, let code = write(bytes, to: STDOUT_FILENO) else { return }
    outputError.store(code, ordering: .relaxed)
    // A reader that has seen enough, as `head`, is no failure to tell of.
    if code != EPIPE {
      error("larder: standard output can't be written: \(String(cString: strerror(code)))\n")
    }
  }

  static func error(_ text: String) {
    write(Array(text.utf8), to: STDERR_FILENO)
  }

  /// A line on standard error that an operator should see, yellow on a terminal.
  static func warning(_ text: String) {
    let text = printable(text, keepingLines: true)
    error(errorHasColours ? "\u{1B}[33mwarning:\u{1B}[0m \(text)\n" : "warning: \(text)\n")
  }

  /// A text whose control characters are shown as escapes, so that what users and producers say
  /// can't steer the terminal or break a line.
  static func printable(_ text: String, keepingLines: Bool = false) -> String {
    func isControl(_ scalar: Unicode.Scalar) -> Bool {
      if keepingLines, scalar == "\n" || scalar == "\t" { return false }
      return scalar.properties.generalCategory == .control
    }
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    return text.unicodeScalars.map { scalar in
      isControl(scalar) ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
    }.joined()
  }

  /// Writes all bytes; gives the errno that kept it from that.
  @discardableResult
  private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return count < 0 ? errno : EIO }
      rest = rest.dropFirst(count)
    }
    return nil
  }
}
