/// What keeps web pages from the server. A page that is open in a browser on this machine can have
/// the browser send requests to a loopback address; what it can't change is what the browser says of
/// them.
enum WebPages {
  /// Why a request that came over TCP is refused; nil for one that is not.
  static func refusal(of fields: PackedFields) -> Refusal? {
    // A name of somebody's domain that leads here would make the page one of our own origin. No
    // browser leaves the field out.
    let host = fields.values(of: "host", most: 1).first
    if let host, !ListeningSocket.isLoopback(withoutPort(host)) {
      return Refusal(
        status: 421,
        detail: "the server is called localhost, or by a loopback address such as 127.0.0.1")
    }
    for origin in fields.values(of: "origin", most: .max)
    where host.map({ origin.lowercased() != "http://\($0.lowercased())" }) ?? true {
      return Refusal(status: 403, detail: "web pages of other origins can't call the server")
    }
    return nil
  }

  /// The host of `host`, `host:port`, `[address]` or `[address]:port`.
  private static func withoutPort(_ authority: String) -> Substring {
    if authority.hasPrefix("["), let end = authority.lastIndex(of: "]") {
      return authority[..<end].dropFirst()
    }
    return authority[..<(authority.lastIndex(of: ":") ?? authority.endIndex)]
  }
}
