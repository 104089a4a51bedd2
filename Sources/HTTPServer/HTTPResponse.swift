/// One field of a header.
package struct HTTPField: Sendable, Equatable {
  /// The name, in any case.
  package var name: String
  /// The value, without line ends.
  package var value: String

  /// A field as it will be sent.
  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// An answer. The server adds Date, Content-Length and Connection itself; such fields of the
/// handler are left out. A field whose name or value is empty or has a line end is left out too.
package struct HTTPResponse: Sendable, Equatable {
  /// The status code, 200 to 599; any other becomes 500.
  package var status: Int
  /// The header, in order.
  package var headers: [HTTPField]
  /// The body; not sent for HEAD, 204 and 304.
  package var body: [UInt8]

  /// An answer with its parts.
  package init(status: Int, headers: [HTTPField] = [], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// An answer with a text as its body.
  package init(status: Int, contentType: String, text: String) {
    self.init(
      status: status, headers: [HTTPField("Content-Type", contentType)], body: Array(text.utf8))
  }

  /// Whether a field is the server's own business.
  static func isReserved(_ name: String) -> Bool {
    switch name.utf8.count {
    case 4: name.lowercased() == "date"
    case 10: name.lowercased() == "connection"
    case 14: name.lowercased() == "content-length"
    case 17: name.lowercased() == "transfer-encoding"
    default: false
    }
  }

  /// The whole answer as bytes, for a connection that closes after it and that libmicrohttpd
  /// cannot answer in its present state.
  func serializedForClosing() -> [UInt8] {
    var head = "HTTP/1.1 \(status) \(Self.reason(status))\r\n"
    for field in headers where !Self.isReserved(field.name) && field.isSendable {
      head += "\(field.name): \(field.value)\r\n"
    }
    head += "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
    return Array(head.utf8) + body
  }

  private static func reason(_ status: Int) -> String {
    switch status {
    case 400: "Bad Request"
    case 408: "Request Timeout"
    case 413: "Content Too Large"
    case 503: "Service Unavailable"
    default: "Error"
    }
  }
}

extension HTTPField {
  /// Whether the field can stand in a header without changing its meaning.
  var isSendable: Bool {
    var (name, value) = (name, value)
    return name.withUTF8 { name in
      for byte in name where byte <= 0x20 || byte == 0x3A { return false }
      return !name.isEmpty
    }
      && value.withUTF8 { value in
        !value.isEmpty
          && (!value.hasControls
            || value.allSatisfy { $0 != 0x0D && $0 != 0x0A && $0 != 0 })
      }
  }
}
