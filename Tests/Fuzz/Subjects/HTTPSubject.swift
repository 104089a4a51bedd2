import Larder

@testable import API
@testable import HTTPServer

/// Makes the calls that the bytes spell, and looks at the answers and at the store that they leave.
///
/// Calls are separated by a line of `====`. The first line of one is its method and its target,
/// after which a duration may stand, by which the clock goes forward before. Then come header
/// fields, an empty line and the body. `{claim}` in a target is the claim that was told of last.
func checkHTTP(_ bytes: [UInt8]) throws(Broken) {
  let place: Place
  do { place = try Place.fresh() } catch { throw Broken(description: "no store: \(error)") }
  var claim = ""
  for call in calls(bytes).prefix(Place.callLimit) {
    place.pass(call.pause)
    let made = call.request(claim: claim)
    let plain = PlainClaim.request(of: made)
    guard let request = try? APIRequest(made) else {
      try require(plain == nil, "a call that is none is read as a claim")
      continue
    }
    if let plain {
      let whole = try? API.claimRequest(request, pool: plain.pool)
      try require(whole == plain, "the readers of claims differ over \(plain)")
    }
    guard let response = place.answer(request) else {
      throw Broken(description: "no answer came")
    }
    try check(response, request)
    if let told = response.headers.first(where: { $0.name == "Location" })?.value,
      told.hasPrefix("/v1/claims/")
    {
      claim = String(told.dropFirst("/v1/claims/".count))
    }
  }
  try place.check()
}

private func check(_ response: HTTPResponse, _ request: APIRequest) throws(Broken) {
  let what = "\(request.method) /\(request.segments.joined(separator: "/"))"
  try require((200..<500).contains(response.status), "\(what) is answered with \(response.status)")
  if request.segments == ["metrics"], response.status == 200 { return }
  let document = response.body.withUnsafeBufferPointer { try? JSONReader.members(of: $0) }
  guard let document else { throw Broken(description: "\(what) is answered with no JSON") }
  let type = response.headers.first { $0.name == "Content-Type" }?.value
  try require(
    (type == "application/problem+json") == (response.status >= 400),
    "\(what) is answered with \(response.status) and \(type ?? "no type")")
  if response.status >= 400 {
    let names = document.map(\.name)
    try require(names == ["type", "title", "status", "detail"], "\(what): a problem has \(names)")
  }
}

/// A call as the bytes spell it.
private struct Call {
  var pause = Duration.zero
  var method = ""
  var target: [UInt8] = []
  var fields: [(name: [UInt8], value: [UInt8])] = []
  var body: [UInt8] = []

  init(_ lines: some Collection<ArraySlice<UInt8>>) {
    var lines = Array(lines)[...]
    let words = (lines.popFirst() ?? []).split(separator: UInt8(ascii: " "))
    method = String(decoding: words.first ?? [], as: UTF8.self)
    target = words.count > 1 ? Array(words[1]) : Array("/".utf8)
    if words.count > 2 {
      pause = DurationText.parse(String(decoding: words[2], as: UTF8.self)) ?? .zero
    }
    while let line = lines.popFirst(), !line.isEmpty {
      let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
      let value = line[colon...].dropFirst().drop { $0 == UInt8(ascii: " ") }
      fields.append((Array(line[..<colon]), Array(value)))
    }
    body = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
  }

  func request(claim: String) -> HTTPRequest {
    var packed: [UInt8] = []
    for (name, value) in fields {
      for part in [name, value] {
        withUnsafeBytes(of: UInt32(part.count)) { packed += $0 }
      }
      packed += name + value
    }
    return HTTPRequest(
      method: method == "HEAD" ? "GET" : method, isHead: method == "HEAD",
      target: Array(String(decoding: target, as: UTF8.self).replacing("{claim}", with: claim).utf8),
      fields: PackedFields(bytes: packed), body: body, peer: .loopback)
  }
}

private func calls(_ bytes: [UInt8]) -> [Call] {
  bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    .split(separator: ArraySlice("====".utf8), omittingEmptySubsequences: true)
    .map { Call($0) }
}
