import API
import Larder

extension Command {
  static let confirm = claimCommand(
    .confirm, "POST", ["confirm"], summary: "makes a held claim one for good")

  static let release = claimCommand(
    .release, "POST", ["release"], summary: "gives a held claim back",
    notes: """
      Its items go back on the shelf where the pool says on_release: restock, and are quarantined
      otherwise, since somebody has seen them.
      """)

  static let cancel = claimCommand(
    .cancel, "DELETE", [], summary: "gives a pending claim up")

  private static func claimCommand(
    _ command: ClaimCommand, _ method: String, _ path: [String], summary: String,
    notes: String = ""
  ) -> Command {
    let repeated = "Prints the claim's state. Done again, it changes nothing."
    return Command(
      name: command.rawValue, arguments: "CLAIM", summary: summary,
      notes: notes.isEmpty ? repeated : "\(notes)\n\(repeated)", options: []
    ) { context throws(CommandError) in
      let claim = try context.arguments.single("CLAIM")
      let client = try context.writingClient(for: .changing)
      defer { client.close() }
      let body = try client.call(APIRequest(method, ["v1", "claims", claim] + path))
      if context.wantsJSON {
        Terminal.output(body + [0x0A])
      } else {
        Terminal.output(Terminal.printable(JSONNode(body)?["state"]?.plain ?? "") + "\n")
      }
      return 0
    }
  }

  private static let ofUser = Option(name: "--user", value: "U", help: "only this user's claims")
  private static let ofPool = Option(name: "--pool", value: "P", help: "only claims of this pool")

  private static let ofState = Option(
    name: "--state", value: "S",
    help: "only claims that are pending, held, claimed, released, recalled or the like")

  static let claims = Command(
    name: "claims", arguments: "[--user U] [--pool P] [--state S]",
    summary: "lists who has what, newest first",
    notes: "Payloads are shown with --json only.", options: [ofUser, ofPool, ofState]
  ) { context throws(CommandError) in
    try context.arguments.expect(atMost: 0)
    let user = context.arguments.value(ofUser)
    if user == "" { throw .usage("--user is empty") }
    var request = APIRequest(
      "GET", user.map { ["v1", "users", $0, "claims"] } ?? ["v1", "claims"])
    if let pool = context.arguments.value(ofPool) { request.query = [("pool", pool)] }
    let states = ClaimState.allCases.filter { $0 != .forgotten }
    if let state = try context.arguments.word(ofState, of: states) {
      request.query.append(("state", state.rawValue))
    }
    let client = try context.readingClient()
    defer { client.close() }
    let pages = Pages(client: client, request: request, list: "claims")
    if context.wantsJSON {
      Terminal.output(try pages.joined() + [0x0A])
      return 0
    }
    Terminal.output(try claimTable(pages).text)
    return 0
  }

  /// Claims, one a line.
  static func claimTable(_ pages: Pages) throws(CommandError) -> Table {
    var table = Table([
      ("CLAIM", .left), ("POOL", .left), ("USER", .left), ("STATE", .left), ("ITEMS", .right),
      ("CLAIMED AT", .left),
    ])
    try pages.forEach { claim in
      table.add([
        claim["claim"]?.plain ?? "", claim["pool"]?.plain ?? "", claim["user"]?.plain ?? "",
        claim["state"]?.plain ?? "", "\(claim["items"]?.elements.count ?? 0)",
        claim["claimed_at"]?.plain ?? "",
      ])
    }
    return table
  }
}
