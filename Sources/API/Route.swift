import HTTPServer
import Larder

/// A path of the API with the methods that it knows.
struct Route {
  typealias Answer = @Sendable (Result<HTTPResponse, Problem>) -> Void
  typealias Call = @Sendable (API, APIRequest, [String], @escaping Answer) throws(Problem) -> Void

  /// Segments, `*` for one that is a parameter.
  let path: [String]
  let calls: [String: Call]

  init(_ path: String, _ calls: [String: Call]) {
    self.path = path.split(separator: "/").map(String.init)
    self.calls = calls
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
