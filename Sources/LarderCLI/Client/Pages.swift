import API
import Larder

/// A list that the API gives in pages, read to its end.
struct Pages {
  let client: any Client
  let request: APIRequest
  /// The member that holds the rows.
  let list: StaticString

  /// Calls `each` with every row.
  func forEach(_ each: (JSONNode) -> Void) throws(CommandError) {
    var request = request
    request.query.append(("limit", "\(Limits.pageSizes.upperBound)"))
    let query = request.query
    while true {
      guard let page = JSONNode(try client.call(request)) else {
        throw .failed("the server's answer is no JSON")
      }
      page["\(list)"]?.elements.forEach(each)
      guard let cursor = page["cursor"]?.string else { return }
      request.query = query + [("cursor", cursor)]
    }
  }

  /// All rows in the envelope of one page that is the last.
  func joined() throws(CommandError) -> [UInt8] {
    var rows: [String] = []
    try forEach { rows.append($0.text) }
    return JSONWriter.text { json in
      json.object {
        $0.array(list) { json in rows.forEach { json.raw($0) } }
        $0.member("cursor", nil as String?)
      }
    }
  }
}
