/// What keeps web pages from the server. A page that is open in a browser on this machine can have
/// the browser send requests to a loopback address; what it can't change is what the browser says of
/// them.
enum WebPages {
  /// Why a request that came over TCP is refused; nil for one that is not.
  static func refusal(of fields: PackedFields) -> Refusal? {
    // A name of somebody's domain that leads here would make the page one of our own origin. No
    // browser leaves the field out.
    let host = fields.first("host")
    if let host, !ListeningSocket.isLoopback(withoutPort(host)) {
      return Refusal(
        status: 421,
        detail: "the server is called localhost, or by a loopback address such as 127.0.0.1")
    }
    for origin in fields.all("origin")
    where host.map({ origin.lowercased() != "http://\($0.lowercased())" }) ?? true {
      return Refusal(status: 403, detail: "web pages of other origins can't call the server")
    }
    return nil
  }

  /// The host of `host`, `host:port`, `[address]` or `[address]:port`. One that is not ASCII is
  /// none of this machine's names, whatever stands behind it.
  private static func withoutPort(_ authority: String) -> Substring {
    var text = authority
    guard text.withUTF8({ $0.allSatisfy { $0 < 0x80 } }) else { return authority[...] }
    let bytes = authority.utf8
    if bytes.first == UInt8(ascii: "["), let end = bytes.lastIndex(of: UInt8(ascii: "]")) {
      return authority[bytes.index(after: bytes.startIndex)..<end]
    }
    return authority[..<(bytes.lastIndex(of: UInt8(ascii: ":")) ?? authority.endIndex)]
  }
}
