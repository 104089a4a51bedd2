import Foundation

/// Whether a process still works; one that only waits to be reaped does not.
package func isAlive(_ pid: Int32) -> Bool {
  guard let stat = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return false }
  let text = String(decoding: stat, as: UTF8.self)
  guard let bracket = text.lastIndex(of: ")") else { return false }
  let state = text[bracket...].dropFirst(2).first
  return state != "Z" && state != "X"
}
