import CMicrohttpd
import Glibc

/// What libmicrohttpd calls back, in the order of a connection's life.
extension Loop {
  func opened(_ connection: Connection) {
    connection.index = connections.count
    connections.append(connection)
    guard connections.count <= connectionLimit else {
      connection.phase = .refused
      connection.sendDirectly(configuration.errorResponse(503, "too many connections"))
      return connection.cut()
    }
    set(now + limits.headerTime, of: connection)
  }

  func requestLineRead(_ connection: Connection, uri: UnsafePointer<CChar>) {
    let bytes = UnsafeBufferPointer(
      start: UnsafeRawPointer(uri).assumingMemoryBound(to: UInt8.self), count: strlen(uri))
    connection.target = Self.withoutAuthority(bytes)
    connection.targetBytes = bytes.count
    if let question = bytes.firstIndex(of: UInt8(ascii: "?")), question + 1 < bytes.count {
      // libmicrohttpd would make a record of each query item in the connection's memory, and one
      // that finds no room leaves the connection hanging. The text is in its own buffer.
      UnsafeMutablePointer(mutating: uri)[question + 1] = 0
    }
    connection.phase = .header
    if connection.hasServed { set(now + limits.headerTime, of: connection) }
  }

  /// A step of a request: its header is there, then parts of its body, then its end, and once more
  /// if it was not answered. False closes the connection.
  func advance(
    _ connection: Connection, method: UnsafePointer<CChar>, version: UnsafePointer<CChar>,
    data: UnsafeRawBufferPointer
  ) -> Bool {
    switch connection.phase {
    case .header: begin(connection, method: method, version: version)
    case .body where data.count > 0: return receive(data, on: connection)
    case .body: dispatch(connection)
    case .handling:
      // Parking only now, at the second call, keeps libmicrohttpd from reading the socket when
      // the connection is resumed: it would take a half-closed client for one that is gone.
      if connection.answer != nil {
        answer(connection)
      } else {
        connection.phase = .parked
        MHD_suspend_connection(connection.handle)
      }
    case .refused: return false
    case .idle, .parked, .answering: break
    }
    return true
  }

  func requestEnded(_ connection: Connection, isGood: Bool) {
    switch connection.phase {
    case .handling, .parked: pending -= 1
    case .header, .body: connection.lingers = !isGood
    case .idle, .answering, .refused: break
    }
    connection.endRequest()
    releaseMemory(of: connection)
    guard connection.phase != .refused else { return }
    connection.phase = .idle
    connection.hasServed = true
    set(now + limits.idleTime, of: connection)
  }

  func closed(_ connection: Connection) {
    connection.handle = nil
    if lastServed === connection { lastServed = nil }
    releaseMemory(of: connection)
    let last = connections.removeLast()
    if last !== connection {
      connections[connection.index] = last
      last.index = connection.index
    }
    // One that never served anything may have been refused by libmicrohttpd itself.
    guard connection.lingers || !connection.hasServed, !isClosing else { return }
    if let deadline = lingering.add(connection.descriptor, now: now) { expect(deadline) }
  }
}

// MARK: - The header

/// Why a request is refused by its header.
struct Refusal {
  let status: Int
  let detail: String
}

extension Loop {
  private func begin(
    _ connection: Connection, method: UnsafePointer<CChar>, version: UnsafePointer<CChar>
  ) {
    let facts = cmhd_examine_headers(connection.handle)
    connection.isHead = strcmp(method, "HEAD") == 0
    connection.method = connection.isHead ? "GET" : String(cString: method)
    connection.phase = .body
    if let refusal = refusal(of: connection, facts, method: method, version: version) {
      return refuse(connection, refusal)
    }
    let bytes = [UInt8](unsafeUninitializedCapacity: facts.packed_bytes) { buffer, count in
      if let start = buffer.baseAddress { cmhd_pack_headers(connection.handle, start) }
      count = facts.packed_bytes
    }
    connection.fields = PackedFields(bytes: bytes)
    if connection.peer == .loopback, let refusal = WebPages.refusal(of: connection.fields) {
      return refuse(connection, refusal)
    }
    guard facts.content_length > 0 || facts.is_chunked != 0 else { return }
    let path = connection.target.prefix { $0 != UInt8(ascii: "?") }
    connection.bodyLimit = configuration.bodyLimit(
      connection.method, String(decoding: path, as: UTF8.self))
    guard facts.content_length <= UInt64(max(0, connection.bodyLimit)) else {
      return refuse(
        connection,
        Refusal(status: 413, detail: "the body is longer than \(connection.bodyLimit) bytes"))
    }
    let expected = Int(facts.content_length)
    // A declared length costs nothing to declare: what is reserved for it is bounded.
    connection.body.reserveCapacity(min(expected, limits.bodyBytesInTime))
    let size = facts.is_chunked != 0 ? connection.bodyLimit : expected
    set(now + limits.time(forBytes: size), of: connection)
  }

  private func refusal(
    of connection: Connection, _ facts: cmhd_header_facts, method: UnsafePointer<CChar>,
    version: UnsafePointer<CChar>
  ) -> Refusal? {
    let isOld = strcmp(version, "HTTP/1.0") == 0
    if cmhd_header_bytes(connection.handle) > limits.headerBytes {
      return Refusal(status: 431, detail: "the header is longer than \(limits.headerBytes) bytes")
    }
    if facts.fields > limits.headerFields {
      return Refusal(
        status: 431, detail: "the header has more than \(limits.headerFields) fields")
    }
    guard
      cmhd_is_plain_header(
        connection.handle, method, version, connection.targetBytes, facts.fields) != 0
    else {
      return Refusal(
        status: 400, detail: "the header has a NUL, a folded line or a line that no CR LF ends")
    }
    if facts.is_malformed != 0 {
      return Refusal(status: 400, detail: "a header field is malformed")
    }
    if !Self.isToken(connection.method) || !Self.isTarget(connection) {
      return Refusal(status: 400, detail: "the request line is malformed")
    }
    if facts.hosts > 1 || (facts.hosts == 0 && !isOld) {
      return Refusal(status: 400, detail: "exactly one Host field is required")
    }
    if facts.content_lengths > 1 || facts.transfer_encodings > 1 {
      return Refusal(status: 400, detail: "the length of the body is given twice")
    }
    guard facts.transfer_encodings > 0 else { return nil }
    if facts.content_lengths > 0 || isOld {
      return Refusal(status: 400, detail: "Transfer-Encoding is not allowed here")
    }
    if facts.is_chunked == 0 {
      return Refusal(status: 501, detail: "the only Transfer-Encoding supported is chunked")
    }
    return nil
  }

  /// Answers before the body was read, which ends the connection.
  private func refuse(_ connection: Connection, _ refusal: Refusal) {
    connection.lingers = true
    queue(configuration.errorResponse(refusal.status, refusal.detail), on: connection)
  }

  private static func isToken(_ method: String) -> Bool {
    method.utf8.allSatisfy { cmhd_is_token_byte($0) != 0 }
  }

  private static func isTarget(_ connection: Connection) -> Bool {
    let target = connection.target
    guard target.first == UInt8(ascii: "/") || (target == [0x2A] && connection.method == "OPTIONS")
    else { return false }
    return target.allSatisfy { $0 > 0x20 && $0 != 0x7F }
  }

  /// The target without scheme and host, which only proxies need.
  private static func withoutAuthority(_ uri: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    guard uri.first != UInt8(ascii: "/") else { return Array(uri) }
    let prefix = Array("http://".utf8)
    guard uri.count > prefix.count, zip(uri, prefix).allSatisfy({ $0 | 0x20 == $1 | 0x20 }) else {
      return Array(uri)
    }
    let rest = uri.dropFirst(prefix.count).drop { $0 != 0x2F && $0 != 0x3F }
    return rest.first == 0x2F ? Array(rest) : [0x2F] + rest
  }
}

// MARK: - Body and answer

extension Loop {
  private func receive(_ data: UnsafeRawBufferPointer, on connection: Connection) -> Bool {
    guard connection.body.count + data.count <= connection.bodyLimit else {
      interrupt(
        connection,
        Refusal(status: 413, detail: "the body is longer than \(connection.bodyLimit) bytes"))
      return false
    }
    guard uploadBytes + data.count <= limits.uploadBytes else {
      interrupt(connection, Refusal(status: 503, detail: "too much is being uploaded"))
      return false
    }
    uploadBytes += data.count
    connection.uploadBytes += data.count
    connection.body.append(contentsOf: data)
    return true
  }

  /// Answers in the middle of a body, where libmicrohttpd takes no answer.
  private func interrupt(_ connection: Connection, _ refusal: Refusal) {
    connection.phase = .refused
    connection.lingers = true
    connection.sendDirectly(configuration.errorResponse(refusal.status, refusal.detail))
  }

  /// Forgets what the connection's body and answer held of the memory for all.
  private func releaseMemory(of connection: Connection) {
    uploadBytes -= connection.uploadBytes
    connection.uploadBytes = 0
    answerBytes -= connection.answerBytes
    connection.answerBytes = 0
  }

  private func dispatch(_ connection: Connection) {
    let trouble =
      isClosing
      ? "the server is stopping"
      : pending >= limits.pendingRequests
        ? "too many requests are waiting"
        : answerBytes >= limits.answerBytes ? "too many answers are not read" : nil
    if let trouble { return queue(configuration.errorResponse(503, trouble), on: connection) }
    pending += 1
    if lastServed === connection {
      connection.requestsInARow += 1
    } else {
      (lastServed, connection.requestsInARow) = (connection, 0)
    }
    connection.phase = .handling
    connection.deadline = .max
    callHandler(connection)
    if connection.answer != nil { answer(connection) }
  }

  @inline(never)
  private func callHandler(_ connection: Connection) {
    let request = HTTPRequest(
      method: connection.method, isHead: connection.isHead, target: connection.target,
      fields: connection.fields, body: connection.body, peer: connection.peer,
      isAlone: pending == 1 && connection.requestsInARow >= HTTPLimits.aloneAfter)
    connection.body = []
    handler(
      request,
      Responder(answers: answers, connection: connection, request: connection.request))
  }

  /// Hands over what the handler answered while the connection was not parked.
  private func answer(_ connection: Connection) {
    guard let answer = connection.answer else { return }
    connection.answer = nil
    pending -= 1
    queue(response(answer, to: connection), on: connection)
  }

  /// An answer that came by mail.
  func deliver(_ letter: AnswerQueue.Letter) {
    let connection = letter.connection
    guard connection.request == letter.request, connection.handle != nil else { return }
    switch connection.phase {
    case .handling: connection.answer = letter.answer
    case .parked: resume(connection, with: response(letter.answer, to: connection))
    case .idle, .header, .body, .answering, .refused: break
    }
  }

  func resume(_ connection: Connection, with response: HTTPResponse) {
    pending -= 1
    queue(response, on: connection)
    MHD_resume_connection(connection.handle)
    wakeDaemons()
  }

  /// What is sent. Of answers that clients don't read there may be so much; one that tells what was
  /// done is sent all the same.
  private func response(_ answer: Answer, to connection: Connection) -> HTTPResponse {
    switch answer {
    case .response(let response)
    where connection.method == "GET" && answerBytes > 0
      && answerBytes + response.body.count > limits.answerBytes:
      configuration.errorResponse(503, "too many answers are not read")
    case .response(let response) where (200...599).contains(response.status): response
    case .response: configuration.errorResponse(500, "the answer has no valid status")
    case .dropped: configuration.errorResponse(500, "the request was not answered")
    }
  }

  private func queue(_ response: HTTPResponse, on connection: Connection) {
    connection.phase = .answering
    releaseMemory(of: connection)
    answerBytes += response.body.count
    connection.answerBytes = response.body.count
    set(now + limits.time(forBytes: response.body.count), of: connection)
    let made = response.body.withUnsafeBytes { cmhd_response($0.baseAddress, $0.count) }
    guard let made else { return connection.cut() }
    defer { MHD_destroy_response(made) }
    for field in response.headers where !HTTPResponse.isReserved(field.name) && field.isSendable {
      // A String that is passed as a C string is copied into an array first; this one is not.
      _ = field.name.withCString { name in
        field.value.withCString { MHD_add_response_header(made, name, $0) }
      }
    }
    if drainDeadline != nil { MHD_add_response_header(made, "Connection", "close") }
    if cmhd_succeeded(MHD_queue_response(connection.handle, UInt32(response.status), made)) == 0 {
      connection.cut()
    }
  }
}
