import Foundation

/// Processes that a producer of a store in some folder started, wherever they went.
package enum LarderProcesses {
  /// Those whose environment names a run and the folder as its home.
  package static func find(in folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { name in
      guard let pid = Int32(name), let environment = file("/proc/\(pid)/environ"),
        environment.contains("LARDER_RUN="), environment.contains("HOME=\(folder)\0")
      else { return nil }
      let command = file("/proc/\(pid)/cmdline")?.replacing("\0", with: " ") ?? ""
      return "process \(pid): \(command)"
    }
  }

  private static func file(_ path: String) -> String? {
    guard let file = FileHandle(forReadingAtPath: path) else { return nil }
    defer { try? file.close() }
    return (try? file.readToEnd()).map { String(decoding: $0, as: UTF8.self) }
  }
}
