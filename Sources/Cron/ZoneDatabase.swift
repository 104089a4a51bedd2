import Glibc
import Lock

/// The system's tz database: a folder of TZif files.
package struct ZoneDatabase: Sendable {
  /// The folder, from the environment's `TZDIR` or the usual place.
  package let folder: String

  /// No file of the database is nearly as large; larger ones are not read.
  static let fileSizeLimit = 1 << 20
  /// No name of the database is nearly as long.
  static let nameLengthLimit = 255
  /// Files looked at for the nearest names.
  static let namesLimit = 10_000
  /// Folders in folders, as in America/Argentina/Ushuaia.
  static let depthLimit = 3

  /// Zones already read, by path. It can only grow to the number of files in the database.
  private static let cache = Lock<[String: Zone]>([:])

  /// Files and folders beside the zones: other views of the same zones, and the machine's own.
  private static let notNames: Set<String> = ["posix", "right", "localtime", "posixrules"]

  /// The database in a folder.
  package init(folder: String) { self.folder = folder }

  /// The database of this process's environment.
  package static var current: ZoneDatabase {
    if let folder = getenv("TZDIR"), folder.pointee != 0 {
      return ZoneDatabase(folder: String(cString: folder))
    }
    return ZoneDatabase(folder: "/usr/share/zoneinfo")
  }

  /// The zone with an IANA name; it is read once in a process.
  ///
  /// Throws if there is no such zone, with the nearest names as the hint, and if its file is
  /// unreadable or corrupt.
  package func zone(named name: String) throws(ZoneError) -> Zone {
    guard ZoneDatabase.isName(name) else { throw unknown(name) }
    let path = folder + "/" + name
    if let zone = ZoneDatabase.cache.withLock({ $0[path] }) { return zone }
    guard let bytes = try read(path, zoneName: name) else { throw unknown(name) }
    let zone = try Zone(name: name, bytes: bytes)
    ZoneDatabase.cache.withLock { $0[path] = zone }
    return zone
  }

  /// The names of all zones, in no order; empty if the folder can't be read.
  package func names() -> [String] {
    var names: [String] = []
    list("", depth: 1, into: &names)
    return names
  }

  /// True if a text has the form of a zone's name: it then stays inside of the folder.
  static func isName(_ text: String) -> Bool {
    guard text.utf8.count <= nameLengthLimit else { return false }
    let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard parts.count <= depthLimit, !notNames.contains(String(parts[0]) ?? "") else {
      return false
    }
    return parts.allSatisfy { part in
      part.first.map { $0 != UInt8(ascii: "-") } == true && part.allSatisfy(isNameByte)
    }
  }

  /// No name has a dot, so that neither `..` nor a file such as `zone.tab` is one.
  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "+"),
      UInt8(ascii: "-"):
      true
    default: false
    }
  }

  private func unknown(_ name: String) -> ZoneError {
    let names = names()
    guard !names.isEmpty else {
      return ZoneError(
        message: "unknown time zone \(quoted(name)): there is no tz database in \(folder)",
        hint: "install tzdata, or set TZDIR")
    }
    return ZoneError(
      message: "unknown time zone \(quoted(name))", hint: ZoneSuggestion.hint(name, names: names))
  }

  /// A regular file's bytes, or nil if there is none.
  private func read(_ path: String, zoneName: String) throws(ZoneError) -> [UInt8]? {
    // A pipe or a device in the folder must not block.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else {
      let code = errno
      if code == ENOENT || code == ENOTDIR { return nil }
      throw unreadable(zoneName, code)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw unreadable(zoneName, errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { return nil }
    guard status.st_size <= ZoneDatabase.fileSizeLimit else {
      throw ZoneError(message: "the file of time zone '\(zoneName)' is too large", hint: nil)
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes { buffer in
        Glibc.read(descriptor, buffer.baseAddress! + filled, buffer.count - filled)
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(zoneName, errno) }
      if count == 0 { break }
      filled += count
    }
    return Array(bytes.prefix(filled))
  }

  private func unreadable(_ name: String, _ code: Int32) -> ZoneError {
    ZoneError(
      message: "cannot read the file of time zone '\(name)': \(String(cString: strerror(code)))",
      hint: nil)
  }

  private func list(_ prefix: String, depth: Int, into names: inout [String]) {
    guard depth <= ZoneDatabase.depthLimit, let stream = opendir(folder + "/" + prefix) else {
      return
    }
    defer { closedir(stream) }
    while let entry = readdir(stream), names.count < ZoneDatabase.namesLimit {
      // In place: an entry is shorter than its type says, so that it must not be copied.
      let name = String(
        cString: UnsafeRawPointer(entry)
          .advanced(by: MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 0)
          .assumingMemoryBound(to: CChar.self))
      let path = prefix.isEmpty ? name : prefix + "/" + name
      guard ZoneDatabase.isName(path), isCapitalized(name) else { continue }
      if Int32(entry.pointee.d_type) == Int32(DT_DIR) {
        list(path, depth: depth + 1, into: &names)
      } else {
        names.append(path)
      }
    }
  }

  /// All zones and regions begin with a capital letter; tables such as `leapseconds` don't.
  private func isCapitalized(_ name: String) -> Bool {
    name.utf8.first.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) } == true
  }
}

extension Zone {
  /// The zone with an IANA name, from the system's tz database (`TZDIR`, else
  /// /usr/share/zoneinfo).
  ///
  /// A process reads each zone once and keeps it; a newer database is seen after a restart.
  /// `UTC` needs no database. Throws if there is no such zone, with the nearest names as the
  /// hint, and if its file is unreadable or corrupt.
  package static func load(_ name: String) throws(ZoneError) -> Zone {
    name == utc.name ? utc : try ZoneDatabase.current.zone(named: name)
  }

  /// The zone that the bytes of a TZif file (version 1 to 4) describe.
  ///
  /// Throws if the bytes are not a whole and valid file, or count leap seconds.
  package init(name: String, bytes: [UInt8]) throws(ZoneError) {
    self = try ZoneFile.zone(name: name, bytes: bytes)
  }
}
