import HTTPServer
import Larder

/// A call of the API: a method and a path.
struct Route {
  typealias Answer = @Sendable (Result<HTTPResponse, Problem>) -> Void
  typealias Call = @Sendable (API, APIRequest, [String], @escaping Answer) throws(Problem) -> Void

  let method: String
  /// Segments, `*` for one that is a parameter.
  let path: [String]
  /// Answers the call; it is given the path's parameters.
  let call: Call

  init(_ method: String, _ path: String, _ call: @escaping Call) {
    self.method = method
    self.path = path.split(separator: "/").map(String.init)
    self.call = call
  }

  /// The parameters, if the segments fit the path.
  func match(_ segments: [String]) -> [String]? {
    guard segments.count == path.count else { return nil }
    var parameters: [String] = []
    for (segment, pattern) in zip(segments, path) {
      if pattern == "*" {
        guard !segment.isEmpty else { return nil }
        parameters.append(segment)
      } else if segment != pattern {
        return nil
      }
    }
    return parameters
  }
}
