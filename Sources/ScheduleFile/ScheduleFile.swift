import Larder

/// Reads schedule files: YAML to a pool, with diagnostics.
package enum ScheduleFile {
  /// Reads a file's content. Touches no file but the tz database's.
  /// - Parameters:
  ///   - file: the file as it is to be shown in diagnostics.
  ///   - directory: the file's folder, an absolute path, where its relative paths start.
  /// - Returns: the pool, nil where there is an error; the pool's name, where it could be read
  ///   even in a bad file; every error and warning in the order of their places.
  package static func parse(
    _ bytes: [UInt8], file: String, directory: String
  ) -> (pool: Pool?, poolName: String?, diagnostics: [Diagnostic]) {
    let parsed = read(bytes, file: file, directory: directory)
    return (parsed.pool, parsed.poolName, parsed.diagnostics)
  }

  /// What a file's content gave.
  struct Parsed {
    var pool: Pool?
    var poolName: String?
    var diagnostics: [Diagnostic]
    var source: SourceText
    /// Where the pool's name stands.
    var poolRange: Range<Int>?
  }

  static func read(_ bytes: [UInt8], file: String, directory: String) -> Parsed {
    let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
    let source = SourceText(file: file, bytes: content)
    if bytes.count > Limits.scheduleFileBytes {
      return Parsed(diagnostics: [tooLarge(file)], source: source)
    }
    if Encoding.isUTF16(bytes) {
      return Parsed(
        diagnostics: [
          Diagnostic(
            file: file, message: "the file is UTF-16, and schedule files are UTF-8",
            hint: "save it as UTF-8")
        ], source: source)
    }
    if let finding = Encoding.problem(source) {
      let name = PoolNameSearch.find(in: source)
      return Parsed(
        poolName: name?.text, diagnostics: [source.diagnostic(finding)], source: source,
        poolRange: name?.range)
    }
    var reader = YAMLReader(source: source)
    let root = reader.read(content)
    var findings = reader.findings
    var pool: Pool?
    var checker = Checker(source: source, isPartial: reader.isCutShort)
    if let fields = checker.checkFile(root ?? .nothing), !reader.isCutShort {
      var builder = PoolBuilder(source: source, directory: directory)
      pool = builder.build(fields)
      findings += builder.findings
    }
    findings += checker.findings.filter { $0.range.lowerBound < reader.end }
    let hasErrors = findings.contains { $0.severity == .error }
    let name = root?["pool"].flatMap(poolName) ?? PoolNameSearch.find(in: source)
    return Parsed(
      pool: hasErrors ? nil : pool, poolName: name?.text,
      diagnostics: source.diagnostics(findings), source: source, poolRange: name?.range)
  }

  private static func poolName(_ node: YAMLNode) -> (text: String, range: Range<Int>)? {
    guard case .scalar(let text, _) = node.content, Pool.isValidName(text) else { return nil }
    return (text, node.range)
  }

  static func tooLarge(_ file: String) -> Diagnostic {
    Diagnostic(
      file: file, message: "the file is larger than \(Limits.scheduleFileBytes / 1024) KiB",
      hint: "a schedule file declares one pool; is this another file?")
  }
}

extension YAMLNode {
  /// What a file without any value holds.
  fileprivate static let nothing = YAMLNode(range: 0..<0, content: .scalar("", .plain))
}
