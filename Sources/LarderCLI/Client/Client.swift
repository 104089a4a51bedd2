import API
import HTTPServer
import Larder

/// A way to the API: over a socket to a server, or in this process.
protocol Client: AnyObject {
  /// - Parameter patiently: whether the call may take as long as it wants to.
  func send(_ request: APIRequest, patiently: Bool) throws(CommandError) -> HTTPResponse
  /// Gives up what the client holds.
  func close()
}

extension Client {
  /// Sends a call, and throws the problem that it may answer.
  func call(_ request: APIRequest) throws(CommandError) -> [UInt8] {
    try answer(to: request).body
  }

  /// The whole answer to a call.
  func answer(
    to request: APIRequest, patiently: Bool = false
  ) throws(CommandError) -> HTTPResponse {
    let response = try send(request, patiently: patiently)
    guard response.status >= 400 else { return response }
    throw .problem(Self.problem(response), body: response.body)
  }

  /// Reads a problem document back.
  private static func problem(_ response: HTTPResponse) -> Problem {
    let node = JSONNode(response.body)
    let word = node?["type"]?.string.flatMap { type in
      Problem.Word(rawValue: String(type.dropFirst("urn:larder:".count)))
    }
    let retryAfter = response.headers.first { $0.name.lowercased() == "retry-after" }
      .flatMap { Int64($0.value) }
    return Problem(
      word ?? Problem.word(forStatus: response.status),
      node?["detail"]?.string ?? "the server answered \(response.status)",
      retryAfter: retryAfter.map { .seconds($0) })
  }
}
