import API
import Larder
import Sizing

extension Command {
  private static let csv = Option(
    name: "--csv", help: "print start,requests for each 5 minutes: a demand file")
  private static let from = Option(
    name: "--from", value: "INSTANT", help: "bins that begin then or later")
  private static let to = Option(
    name: "--to", value: "INSTANT", help: "bins that begin before")

  static let demand = Command(
    name: "demand", arguments: "POOL", summary: "shows what was asked of a pool, by day",
    notes: """
      Requests are counted by 5 minutes: hits got their items, misses found too few. A repeat of a claim
      and a refusal for another reason are none. WASTED: items that expired, were recalled as stale or
      overfilled the pool. --json lists the bins in which something was asked for or wasted, the gaps of
      which nothing is known, and what the pool's file excludes; --csv lists all, up to the last that is
      over, and leaves gaps and what is excluded empty.
      """, options: [csv, from, to]
  ) { context throws(CommandError) in
    let arguments = context.arguments
    let pool = try arguments.single("POOL")
    if context.wantsJSON, arguments.has(csv) {
      throw .usage("--json and --csv exclude each other")
    }
    var request = APIRequest("GET", ["v1", "pools", pool, "demand"])
    for (option, name) in [(from, "from"), (to, "to")] {
      if let instant = try arguments.instant(option) {
        request.query.append((name, RFC3339.format(instant)))
      }
    }
    let client = try context.readingClient()
    defer { client.close() }
    let listing = try DemandListing(request, of: pool, client)
    if context.wantsJSON {
      Terminal.output(listing.json + [0x0A])
    } else if arguments.has(csv) {
      Terminal.output(listing.csv(before: min(try arguments.instant(to) ?? .now(), .now())))
    } else {
      Terminal.output(listing.table)
    }
    return 0
  }

  static let importDemand = Command(
    name: "demand import", arguments: "POOL FILE",
    summary: "gives a pool demand that was counted elsewhere",
    notes: """
      So a new pool begins with history. FILE is a demand file: the line `start,requests`, then a row for
      each step of time, of any length, as `2026-06-01T00:00Z,17`, with unknown requests left empty. Or it
      is an access log, each of whose lines is a request: in the common log format, or JSON lines with a
      time. - is standard input: `grep POST access.log | larder demand import POOL -`.

      5 minutes in which the pool has requests already stay as they are, so that a file may be imported
      again. What lies between the file and the pool's own demand is unknown, not 0.
      """, options: [DemandInput.time]
  ) { context throws(CommandError) in
    let arguments = context.arguments
    try arguments.expect(atMost: 2)
    guard let pool = arguments.positional.first else { throw .usage("POOL is missing") }
    guard arguments.positional.count == 2 else { throw .usage("FILE is missing") }
    let file = arguments.positional[1]
    let series = try DemandInput.read(file, timeField: arguments.value(DemandInput.time))
    let now = Instant.now()
    guard series.end <= now.bin + 1 else {
      throw .failed(
        "\(file) goes on until \(RFC3339.format(Instant(bin: series.end))), which is to come: leave out "
          + "what is not over yet, and look whether its times are in the right zone")
    }
    let client = try context.writingClient(for: .putting(pool: pool))
    defer { client.close() }
    let total = try DemandUpload(client: client, pool: pool, series: series).run()
    if context.wantsJSON {
      Terminal.output(
        JSONWriter.text { json in
          json.object {
            $0.member("bins", total.bins)
            $0.member("requests", total.requests)
            $0.member("kept", total.kept)
          }
        } + [0x0A])
    } else {
      Terminal.output(
        "\(total.requests) requests of \(total.bins) times 5 minutes were taken in, \(total.kept) times "
          + "stayed as they were\n")
    }
    return 0
  }
}
