import Glibc

/// The processes of this machine at (about) one time, as /proc tells.
struct ProcessTable {
  /// One process; what is read of it fits in one read of its `stat`.
  struct Entry: Hashable {
    var pid: Int32
    var parent: Int32
    var group: Int32
    var session: Int32
    /// Clock ticks since the machine's start.
    var startTime: UInt64
    /// Whether it has ended and only waits to be reaped.
    var isZombie: Bool
  }

  private(set) var entries: [Int32: Entry] = [:]

  /// The table, or nil if it could not be read in full, and nothing can be said from it.
  static func read() -> ProcessTable? {
    guard let folder = opendir("/proc") else { return nil }
    defer { closedir(folder) }
    var table = ProcessTable()
    while true {
      errno = 0
      guard let found = readdir(folder) else { return errno == 0 ? table : nil }
      let pid = withUnsafePointer(to: &found.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { number($0) }
      }
      guard let pid else { continue }
      switch entry(of: pid) {
      case .found(let entry): table.entries[pid] = entry
      case .gone: continue
      case .unknown: return nil
      }
    }
  }

  /// A look at one process.
  enum Look {
    case found(Entry)
    case gone
    /// It could not be seen; descriptors may have run out.
    case unknown
  }

  static func entry(of pid: Int32) -> Look {
    guard let stat = contents(ofFile: "/proc/\(pid)/stat", limit: 4096) else {
      return errno == ENOENT || errno == ESRCH ? .gone : .unknown
    }
    guard let entry = parse(stat) else { return stat.isEmpty ? .gone : .unknown }
    return .found(entry)
  }

  /// Reads a `stat` file. The name, its second field, may hold blanks and brackets: the fields
  /// after it are counted from the last bracket.
  static func parse(_ stat: [UInt8]) -> Entry? {
    guard let bracket = stat.lastIndex(of: UInt8(ascii: ")")),
      let pid = Int32(String(decoding: stat.prefix { $0 != 0x20 }, as: UTF8.self))
    else { return nil }
    let fields = stat[(bracket + 1)...].split(separator: 0x20)
    func number<Number: FixedWidthInteger>(_ field: Int) -> Number? {
      let index = field - 3
      return index < fields.count ? Number(String(decoding: fields[index], as: UTF8.self)) : nil
    }
    guard let state = fields.first?.first, let parent: Int32 = number(4),
      let group: Int32 = number(5), let session: Int32 = number(6),
      let startTime: UInt64 = number(22)
    else { return nil }
    return Entry(
      pid: pid, parent: parent, group: group, session: session, startTime: startTime,
      isZombie: state == UInt8(ascii: "Z") || state == UInt8(ascii: "X"))
  }

  /// The run that a process was started for, by its environment; nil if it names none or may
  /// not be read.
  static func run(of pid: Int32) -> String? {
    let name = Array("\(SliceRequest.runVariable)=".utf8)
    let longest = 8 * 1024 * 1024  // more than the kernel lets an environment have
    guard let environment = contents(ofFile: "/proc/\(pid)/environ", limit: longest) else {
      return nil
    }
    return environment.split(separator: 0).first { $0.starts(with: name) }
      .map { String(decoding: $0.dropFirst(name.count), as: UTF8.self) }
  }

  /// A process and those that it descends from, as far as they are known: itself first.
  /// - Parameter end: a process that is not looked beyond.
  func line(of entry: Entry, end: Int32) -> [Entry] {
    var line = [entry]
    // No line is longer than the table; a table of torn reads may hold a ring.
    while let last = line.last, last.pid != end, line.count <= entries.count,
      let parent = entries[last.parent]
    {
      line.append(parent)
    }
    return line
  }

  private static func number(_ text: UnsafePointer<CChar>) -> Int32? {
    guard text[0] >= 0x31, text[0] <= 0x39 else { return nil }
    return Int32(String(cString: text))
  }
}
