import API
import Larder

extension Command {
  private static let csv = Option(
    name: "--csv", help: "print pool,day,reason,items,producer_seconds,cost")
  private static let from = Option(
    name: "--from", value: "INSTANT", help: "what was lost in 5 minutes that begin then or later")
  private static let to = Option(
    name: "--to", value: "INSTANT", help: "what was lost in 5 minutes that begin before")

  static let waste = Command(
    name: "waste", arguments: "[POOL…]",
    summary: "tells what was lost, why and at what cost, by day",
    notes: """
      Days are of UTC. An item is lost for one reason: expired (unclaimed, or before it came), stale
      (recalled for a fresh one), overfill (made beyond what was asked for or max), lapsed and released
      (its hold ended, and the pool restocks none), recalled (by an operator, whoever had it), unknown
      (counted before reasons were). The first three and unknown are the WASTE of `larder levels`.

      SECONDS: the items' shares of the time that their slices took in the try that made them; items
      that were put have none. COST: items times the pool's `stock: {waste_cost}` as it is now, in the
      unit of that (1 an item where it is not set). An item that expires is counted once a server has
      taken it from the shelf, on the day on which it expired.
      """, options: [csv, from, to]
  ) { context throws(CommandError) in
    let arguments = context.arguments
    if context.wantsJSON, arguments.has(csv) {
      throw .usage("--json and --csv exclude each other")
    }
    var request = APIRequest("GET", ["v1", "waste"])
    request.query = arguments.positional.map { ("pool", $0) }
    for (option, name) in [(from, "from"), (to, "to")] {
      if let instant = try arguments.instant(option) {
        request.query.append((name, RFC3339.format(instant)))
      }
    }
    let client = try context.readingClient()
    defer { client.close() }
    let pages = Pages(client: client, request: request, list: "waste")
    if context.wantsJSON {
      Terminal.output(try pages.joined() + [0x0A])
    } else {
      let listing = try WasteListing(pages)
      Terminal.output(arguments.has(csv) ? listing.csv : listing.table)
    }
    return 0
  }
}

/// What pools lost, read to its end.
private struct WasteListing {
  private static let names = ["pool", "day", "reason", "items", "producer_seconds", "cost"]
  private var rows: [JSONNode] = []

  init(_ pages: Pages) throws(CommandError) {
    try pages.forEach { rows.append($0) }
  }

  var csv: String {
    CSV.line(Self.names)
      + rows.map { row in CSV.line(Self.names.map { row[$0]?.plain ?? "" }) }.joined()
  }

  var table: String {
    var table = Table([
      ("POOL", .left), ("DAY", .left), ("REASON", .left), ("ITEMS", .right), ("SECONDS", .right),
      ("COST", .right),
    ])
    var items = 0
    var (seconds, cost) = (0.0, 0.0)
    func number(_ row: JSONNode, _ name: String) -> Double {
      (row[name]?.text).flatMap { Double($0) } ?? 0
    }
    func numbers(_ items: Int, _ seconds: Double, _ cost: Double) -> [String] {
      [
        "\(items)", DecimalText.format(seconds, places: 3), DecimalText.format(cost, places: 2),
      ]
    }
    for row in rows {
      let own = (row["items"]?.int ?? 0, number(row, "producer_seconds"), number(row, "cost"))
      table.add(
        ["pool", "day", "reason"].map { row[$0]?.plain ?? "-" } + numbers(own.0, own.1, own.2))
      items += own.0
      seconds += own.1
      cost += own.2
    }
    if rows.count > 1 { table.add(["all", "", ""] + numbers(items, seconds, cost)) }
    return table.text
  }
}
