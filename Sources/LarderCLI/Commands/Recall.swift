import API
import Larder

extension Command {
  private static let ofRun = Option(name: "--run", value: "R", help: "the items that this run made")
  private static let ofRevision = Option(
    name: "--revision", value: "V", help: "the items of this producer revision")
  private static let madeBetween = Option(
    name: "--made-between", value: "A B",
    help: "the items made at A or later, and before B, as 2026-11-24T20:00:00Z", words: 2)

  static let recall = Command(
    name: "recall", arguments: "POOL --run R | --revision V | --made-between A B",
    summary: "takes items back, whoever has them",
    notes: """
      Prints how many items were recalled, and the pool's claims that lost items to recalls, with
      what they have left. It is done in slices, so claims go on; done again, it changes nothing.
      """, options: [ofRun, ofRevision, madeBetween]
  ) { context throws(CommandError) in
    let pool = try context.arguments.single("POOL")
    var request = APIRequest("POST", ["v1", "pools", pool, "recall"])
    request.body = try body(context.arguments)
    let client = try context.writingClient(for: .changing)
    defer { client.close() }
    let answer = try client.answer(to: request, patiently: true)
    if context.wantsJSON {
      Terminal.output(answer.body + [0x0A])
      return 0
    }
    let field = answer.headers.first { $0.name.lowercased() == API.recalledField.lowercased() }
    let count = field?.value ?? "0"
    Terminal.output("\(pool): recalled \(count) \(count == "1" ? "item" : "items")\n")
    var holders = APIRequest("GET", ["v1", "claims"])
    holders.query = [("pool", pool), ("recalled", "true")]
    let table = try claimTable(Pages(client: client, request: holders, list: "claims"))
    if !table.isEmpty { Terminal.output(table.text) }
    return 0
  }

  private static func body(_ arguments: Arguments) throws(CommandError) -> [UInt8] {
    guard [ofRun, ofRevision, madeBetween].count(where: arguments.has) == 1 else {
      throw .usage("exactly one of --run, --revision and --made-between is needed")
    }
    let times = arguments.values(madeBetween)
    let instants = times.map(RFC3339.parse)
    if let bad = zip(times, instants).first(where: { $1 == nil }) {
      throw .usage("--made-between needs times such as 2026-11-24T20:00:00Z, not \(bad.0)")
    }
    if let from = instants.first ?? nil, let to = instants.last ?? nil, from >= to {
      throw .usage("--made-between needs the earlier time first")
    }
    return JSONWriter.text { json in
      json.object {
        if let run = arguments.value(ofRun) { $0.member("run", run) }
        if let revision = arguments.value(ofRevision) { $0.member("revision", revision) }
        if let from = times.first { $0.member("made_from", from) }
        if let to = times.last { $0.member("made_to", to) }
      }
    }
  }

  private static let olderThan = Option(
    name: "--older-than", value: "90d", help: "what was over so long ago; required")
  /// Rows that one call deletes, so that there is progress to show.
  private static let purgedAtOnce = 10_000

  static let purge = Command(
    name: "purge", arguments: "--older-than 90d", summary: "deletes old rows, in slices",
    notes: """
      Prints how many rows were deleted. The keys of claims and items stay known, so that what was
      issued once is not issued again.
      """, options: [olderThan]
  ) { context throws(CommandError) in
    try context.arguments.expect(atMost: 0)
    guard try context.arguments.duration(olderThan) != nil,
      let age = context.arguments.value(olderThan)
    else { throw .usage("--older-than is missing") }
    var request = APIRequest("POST", ["v1", "purge"])
    request.query = [("limit", "\(purgedAtOnce)")]
    request.body = JSONWriter.text { $0.object { $0.member("older_than", age) } }
    let client = try context.writingClient(for: .changing)
    defer { client.close() }
    var deleted = 0
    var progress = ProgressLine()
    var goesOn = true
    while goesOn {
      let answer = JSONNode(try client.call(request))
      deleted += answer?["deleted"]?.int ?? 0
      goesOn = answer?["more"]?.text == "true"
      if goesOn, Terminal.errorIsTerminal {
        progress.show("deleted \(deleted) rows", done: 0, of: 0)
      }
    }
    progress.clear()
    if context.wantsJSON {
      Terminal.output(
        JSONWriter.text { json in
          json.object {
            $0.member("deleted", deleted)
            $0.member("more", false)
          }
        } + [0x0A])
    } else {
      Terminal.output("deleted \(deleted) \(deleted == 1 ? "row" : "rows")\n")
    }
    return 0
  }
}
