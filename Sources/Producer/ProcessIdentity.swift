import Larder

extension ProcessIdentity {
  /// The id of the present start of the machine.
  static let currentBootID: String = {
    let bytes = contents(ofFile: "/proc/sys/kernel/random/boot_id", limit: 64) ?? []
    return String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self)
  }()
}
