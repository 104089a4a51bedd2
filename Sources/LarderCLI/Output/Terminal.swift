import Glibc

/// Standard output and standard error.
enum Terminal {
  static let outputIsTerminal = isatty(STDOUT_FILENO) == 1
  static let errorIsTerminal = isatty(STDERR_FILENO) == 1
  /// Colours are for terminals, unless NO_COLOR (no-color.org) says otherwise.
  static let errorHasColours =
    errorIsTerminal && (getenv("NO_COLOR").map { $0.pointee == 0 } ?? true)

  static func output(_ text: String) {
    write(Array(text.utf8), to: STDOUT_FILENO)
  }

  static func output(_ bytes: [UInt8]) {
    write(bytes, to: STDOUT_FILENO)
  }

  static func error(_ text: String) {
    write(Array(text.utf8), to: STDERR_FILENO)
  }

  /// A line on standard error that an operator should see, yellow on a terminal.
  static func warning(_ text: String) {
    error(errorHasColours ? "\u{1B}[33mwarning:\u{1B}[0m \(text)\n" : "warning: \(text)\n")
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      // Nobody reads any more: there is nothing else to tell it to.
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}
