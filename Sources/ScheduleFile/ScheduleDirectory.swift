import Glibc
import Larder

/// The folder of schedule files, `Schedules/` mostly.
package enum ScheduleDirectory {
  /// The folder cannot be read, or must not be. It is named as it was given.
  package enum ReadError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The code is the system's error number, ENOENT where there is no such folder.
    case unreadable(String, code: Int32)
    /// It has too many files, or others may write it, who could so bring files into force.
    case refused(String, why: String, wayOut: String)

    /// Whether there is no such folder.
    package var isMissing: Bool {
      if case .unreadable(_, ENOENT) = self { true } else { false }
    }

    package var description: String {
      switch self {
      case .unreadable(let directory, let code):
        "the folder of schedule files `\(directory)` cannot be read: "
          + String(cString: strerror(code))
      case .refused(let directory, let why, let wayOut):
        "the folder of schedule files `\(directory)` \(why): \(wayOut)"
      }
    }
  }

  /// All schedule files of a folder, sorted by name.
  package struct Loaded: Sendable {
    /// The files, good and bad.
    package internal(set) var files: [LoadedFile]

    /// The pools of the files without an error.
    package var pools: [Pool] {
      files.compactMap(\.pool)
    }

    /// Every error and warning, file by file.
    package var diagnostics: [Diagnostic] {
      files.flatMap(\.diagnostics)
    }
  }

  /// Reads every `*.yaml` and `*.yml` of a folder that is not hidden; folders in it are not
  /// entered. A second file for one pool is an error there, and the first one counts.
  /// - Parameters:
  ///   - directory: as it is to be shown before the files' names.
  ///   - limit: how many files there may be.
  package static func load(
    _ directory: String, atMost limit: Int = Limits.pools
  ) throws(ReadError) -> Loaded {
    let prefix = directory.hasSuffix("/") ? directory : directory + "/"
    let names = try names(in: directory, atMost: limit)
    return Loaded(files: distinct(names.map { ScheduleFile.load(path: prefix + $0) }))
  }

  /// The same over files that were named one by one.
  package static func load(files paths: [String]) -> Loaded {
    Loaded(files: distinct(paths.map { ScheduleFile.load(path: $0) }))
  }

  private static func names(
    in directory: String, atMost limit: Int
  ) throws(ReadError) -> [String] {
    guard let folder = opendir(directory) else {
      throw .unreadable(directory, code: errno)
    }
    defer { closedir(folder) }
    var status = stat()
    guard fstat(dirfd(folder), &status) == 0 else {
      throw .unreadable(directory, code: errno)
    }
    if let refusal = OwnersAlone.refusal(of: directory, status) {
      throw .refused(directory, why: refusal.why, wayOut: refusal.wayOut)
    }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(folder) else { break }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix("."), name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
        names.append(name)
      }
      guard names.count <= limit else {
        throw .refused(
          directory, why: "has more than \(limit) schedule files",
          wayOut: "take those away that nobody claims from")
      }
    }
    guard errno == 0 else { throw .unreadable(directory, code: errno) }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Refuses the second file of a pool.
  private static func distinct(_ files: [LoadedFile]) -> [LoadedFile] {
    var first: [String: LoadedFile] = [:]
    return files.map { file in
      guard let name = file.poolName else { return file }
      guard let earlier = first[name], earlier.path != file.path else {
        first[name] = file
        return file
      }
      var file = file
      file.refuse(as: name, declaredBy: earlier)
      return file
    }
  }
}

extension LoadedFile {
  fileprivate mutating func refuse(as name: String, declaredBy earlier: LoadedFile) {
    guard let source, let poolRange else { return }
    let finding = Finding(
      range: poolRange, message: "the pool `\(name)` is declared by \(earlier.shownPath) already",
      hint: "one pool has one file: rename the pool, or take one of the two away")
    let place = source.diagnostic(finding)
    let index = diagnostics.firstIndex {
      ($0.line, $0.column) > (place.line, place.column)
    }
    diagnostics.insert(place, at: index ?? diagnostics.count)
    pool = nil
  }
}
