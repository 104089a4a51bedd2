import Glibc

/// The address that a pool's results are pushed to, as a file writes it.
struct WebhookURL {
  /// What stands in the place of an address where there is none.
  static let none = "none"

  /// What keeps a text from being one. No message repeats the text: there may be a key in it.
  enum Fault: Error, Hashable {
    case scheme, host, user, port, character, fragment
  }

  private let isEncrypted: Bool
  /// The host's name or address, without brackets.
  private let host: String

  init(_ text: String) throws(Fault) {
    guard let scheme = ["https://", "http://"].first(where: { text.hasPrefix($0) }) else {
      throw .scheme
    }
    isEncrypted = scheme == "https://"
    let rest = text.dropFirst(scheme.count)
    let authority = rest.prefix { !"/?#".contains($0) }
    guard !authority.contains("@") else { throw .user }
    host = try Self.host(authority)
    try Self.checkTail(rest[authority.endIndex...])
  }

  /// Whether what is pushed can be read on its way: it leaves this machine unencrypted.
  var isReadByOthers: Bool {
    !isEncrypted && !isLoopback
  }

  private var isLoopback: Bool {
    if host.lowercased() == "localhost" { return true }
    if let bytes = Self.address(host, AF_INET) { return bytes.first == 127 }
    guard let bytes = Self.address(host, AF_INET6) else { return false }
    return bytes.last == 1 && bytes.dropLast().allSatisfy { $0 == 0 }
  }

  // MARK: Parts

  /// The host of `host`, `host:port`, `[address]` or `[address]:port`.
  private static func host(_ authority: Substring) throws(Fault) -> String {
    let host: Substring
    let rest: Substring
    if authority.first == "[" {
      guard let end = authority.firstIndex(of: "]") else { throw .host }
      host = authority[..<end].dropFirst()
      rest = authority[end...].dropFirst()
      guard address(String(host), AF_INET6) != nil else { throw .host }
    } else {
      host = authority.prefix { $0 != ":" }
      rest = authority[host.endIndex...]
      guard isName(host) else { throw .host }
    }
    guard !rest.isEmpty else { return String(host) }
    let digits = rest.dropFirst()
    guard rest.first == ":", (1...5).contains(digits.utf8.count),
      digits.utf8.allSatisfy({ (48...57).contains($0) }),
      let port = Int(digits), (1...65_535).contains(port)
    else { throw .port }
    return String(host)
  }

  /// Labels of letters, digits, `-` and `_` with a dot between them, perhaps one at the end.
  private static func isName(_ host: Substring) -> Bool {
    var labels = host.split(separator: ".", omittingEmptySubsequences: false)
    if labels.count > 1, labels.last == "" { labels.removeLast() }
    return labels.allSatisfy { label in
      !label.isEmpty && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == 45 || $0 == 95 }
    }
  }

  /// Path and query have the characters of URLs alone, others percent-encoded. A server never
  /// gets to see a fragment.
  private static func checkTail(_ tail: Substring) throws(Fault) {
    var bytes = tail.utf8[...]
    while let byte = bytes.popFirst() {
      if byte == UInt8(ascii: "#") { throw .fragment }
      if byte == UInt8(ascii: "%") {
        guard bytes.count >= 2, bytes.prefix(2).allSatisfy(isHexadecimal) else { throw .character }
      } else if !isAlphanumeric(byte), !"-._~!$&'()*+,;=:@/?[]".utf8.contains(byte) {
        throw .character
      }
    }
  }

  /// The bytes of an address; nil where the text is none of that family.
  private static func address(_ text: String, _ family: Int32) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: family == AF_INET ? 4 : 16)
    return inet_pton(family, text, &bytes) == 1 ? bytes : nil
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte)
  }
}

extension WebhookURL.Fault {
  /// What is wrong, after the key's name.
  var message: String {
    switch self {
    case .scheme: "takes an `http://` or `https://` address, or `none`"
    case .host: "has no host that could be found"
    case .user: "must not have a user or a password in it"
    case .port: "has a port that is not a number from 1 to 65535"
    case .character: "has a character in it that an address may not have"
    case .fragment: "must not have a fragment: no server gets to see it"
    }
  }

  var hint: String {
    switch self {
    case .scheme: "write the whole address: `https://example.org/hook`"
    case .host: "a name in ASCII (`xn--…` for others), or an address: `127.0.0.1`, `[::1]`"
    case .user: "take it out up to the `@`: the receiver knows what is pushed by its signature"
    case .port: "leave the `:` and the port out for the usual one"
    case .character: "percent-encode it: `%20` for a space"
    case .fragment: "take the `#` and what follows away, or write `%23`"
    }
  }
}
