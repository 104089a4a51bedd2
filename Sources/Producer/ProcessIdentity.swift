/// What tells a process from every other one, also after its id was given to another.
package struct ProcessIdentity: Sendable, Hashable {
  package var pid: Int32
  /// When it was started, in clock ticks since the machine's start.
  package var startTime: UInt64
  /// The id of the machine's start.
  package var bootID: String

  package init(pid: Int32, startTime: UInt64, bootID: String) {
    self.pid = pid
    self.startTime = startTime
    self.bootID = bootID
  }

  /// The id of the present start of the machine.
  static let currentBootID: String = {
    let bytes = contents(ofFile: "/proc/sys/kernel/random/boot_id", limit: 64) ?? []
    return String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self)
  }()
}
