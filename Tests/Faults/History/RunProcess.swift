import Foundation

/// A process that works for a run: the producer or whatever it started.
struct RunProcess: Hashable {
  let pid: Int32
  /// In ticks since the machine's start: with the id it names one process.
  let started: String
  let run: String

  /// All that live, of servers whose HOME is that folder.
  static func all(home: String) -> Set<RunProcess> {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return Set(names.compactMap { Int32($0) }.compactMap { find($0, home: home) })
  }

  private static func find(_ pid: Int32, home: String) -> RunProcess? {
    guard let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ") else {
      return nil
    }
    let variables = environment.split(separator: 0)
    let name = Array("LARDER_RUN=".utf8)
    guard let run = variables.first(where: { $0.starts(with: name) }),
      variables.contains(where: { $0.elementsEqual("HOME=\(home)".utf8) }),
      let stat = FileManager.default.contents(atPath: "/proc/\(pid)/stat")
    else { return nil }
    let text = String(decoding: stat, as: UTF8.self)
    guard let bracket = text.lastIndex(of: ")") else { return nil }
    let fields = text[bracket...].split(separator: " ")
    // The state comes after the bracket, the start 19 fields later. A zombie is dead.
    guard fields.count > 20, fields[1] != "Z", fields[1] != "X" else { return nil }
    return RunProcess(
      pid: pid, started: String(fields[20]),
      run: String(decoding: run.dropFirst(name.count), as: UTF8.self))
  }
}
