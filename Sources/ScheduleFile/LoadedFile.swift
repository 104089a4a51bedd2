import Larder

/// A schedule file as it was read.
package struct LoadedFile: Sendable {
  /// The file's absolute path.
  package let path: String
  /// What the file says; empty where it could not be read.
  package let text: String
  /// The pool that it declares; nil where it has an error.
  package internal(set) var pool: Pool?
  /// The pool's name, where it could be read even in a bad file.
  package let poolName: String?
  /// Its errors and warnings in the order of their places.
  package internal(set) var diagnostics: [Diagnostic]

  /// The file as it is shown, and where the pool's name stands in it.
  let shownPath: String
  let source: SourceText?
  let poolRange: Range<Int>?

  /// A file that could not be read.
  init(path: String, shownPath: String, problem: Diagnostic) {
    self.path = path
    self.shownPath = shownPath
    text = ""
    poolName = nil
    diagnostics = [problem]
    source = nil
    poolRange = nil
  }

  init(path: String, shownPath: String, bytes: [UInt8], parsed: ScheduleFile.Parsed) {
    self.path = path
    self.shownPath = shownPath
    text = String(decoding: bytes, as: UTF8.self)
    pool = parsed.pool
    poolName = parsed.poolName
    diagnostics = parsed.diagnostics
    source = parsed.source
    poolRange = parsed.poolRange
  }
}
