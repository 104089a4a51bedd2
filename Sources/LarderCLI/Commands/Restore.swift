import Larder
import Producer
import SQLiteStore

extension Command {
  private static let reissue = Option(
    name: "--reissue", help: "hand out again what was on the shelf when the backup was taken")

  static let restore = Command(
    name: "restore", arguments: "FILE",
    summary: "brings a backup back as the store, which must not be served",
    notes: """
      What was on the shelf when the backup was taken may have been handed out since. So it comes back
      quarantined, as does what was held; holds end, and so do runs that were under way. Claims and
      backorders come back as they were. The old store is moved aside, and nothing is deleted. The backup
      is checked first, as `larder verify` does, and left as it is.

      Take --reissue only where nothing was handed out since the backup was taken.
      """, options: [reissue], common: [.store, .json, .help]
  ) { context throws(CommandError) in
    let file = try context.arguments.single("FILE")
    let files = try context.storeFiles()
    let isReissuing = context.arguments.has(reissue)
    let traces = RunTraces(of: files.database, among: Leftovers.namedRuns())
    let restored = try CommandError.wrapping {
      try Restoration(of: file, to: files.database, readDefinition: Node.readDefinition)
        .restore(reissuing: isReissuing)
    }
    endLeftovers(traces)
    if context.wantsJSON {
      Terminal.output(JSONWriter.text { write(restored, file, isReissuing, to: &$0) } + [0x0A])
    } else {
      for (pool, items) in restored.quarantined.sorted(by: { $0.key < $1.key }) {
        Terminal.output("\(pool): \(items == 1 ? "1 item" : "\(items) items") quarantined\n")
      }
      tell(restored, file)
    }
    return 0
  }

  /// Ends what the old store's server left running: no store reads that any more. Runs that only the
  /// backup knows may well be those of another store, which it was taken of and which is served.
  private static func endLeftovers(_ traces: RunTraces) {
    let ended = Leftovers.end(runs: traces.runs, identities: traces.producers)
    if ended > 0 { Terminal.error("larder: ended \(ended) processes that a crash left behind\n") }
  }

  private static func tell(_ restored: RestoredStore, _ file: String) {
    Terminal.error("\(restored.database) was restored from \(file)\n")
    if restored.endedClaims > 0 { Terminal.error("holds that ended: \(restored.endedClaims)\n") }
    if restored.endedRuns > 0 { Terminal.error("runs that ended: \(restored.endedRuns)\n") }
    if let before = restored.before {
      Terminal.error("the store that was there before is now \(before)\n")
    }
  }

  private static func write(
    _ restored: RestoredStore, _ file: String, _ isReissuing: Bool, to json: inout JSONWriter
  ) {
    json.object { json in
      json.member("restored", file)
      json.member("store", restored.database)
      json.member("before", restored.before)
      json.member("reissued", isReissuing)
      json.array("quarantined") { json in
        for (pool, items) in restored.quarantined.sorted(by: { $0.key < $1.key }) {
          json.object { json in
            json.member("pool", pool)
            json.member("items", items)
          }
        }
      }
      json.member("ended_claims", restored.endedClaims)
      json.member("ended_runs", restored.endedRuns)
    }
  }
}
