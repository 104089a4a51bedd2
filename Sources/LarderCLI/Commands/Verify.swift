import Larder
import SQLiteStore

extension Command {
  static let verify = Command(
    name: "verify", arguments: "",
    summary: "checks the store's integrity and its counts, also while serving",
    notes: """
      Changes nothing, and looks at one state of the whole store: what SQLite finds wrong with the file,
      and whether pools' counts, claims, items, runs, slices and the index of attributes agree. Exit code
      0: all is well. While a server runs its log grows until this is done.
      """, options: [], common: [.store, .json, .help]
  ) { context throws(CommandError) in
    try context.arguments.expect(atMost: 0)
    let path = try context.storePath()
    let found = try CommandError.wrapping {
      try Verification.of(path, readDefinition: Node.readDefinition)
    }
    if context.wantsJSON {
      Terminal.output(JSONWriter.text { write(found, of: path, to: &$0) } + [0x0A])
    } else {
      for pool in found.pools { Terminal.output(Terminal.printable(line(of: pool)) + "\n") }
      for violation in found.violations {
        let text = "\(violation.place): \(violation.problem); \(violation.wayOut)"
        Terminal.output(Terminal.printable(text) + "\n")
      }
    }
    let count = found.violations.count
    Terminal.error(
      found.isSound
        ? "\(path) is sound\n"
        : "larder verify: \(path) has \(count == 1 ? "a violation" : "\(count) violations")\n")
    return found.isSound ? 0 : 1
  }

  private static func line(of pool: CountedPool) -> String {
    let stock = pool.stock
    let states = ItemState.allCases.filter { stock[$0] > 0 || $0 == .available }
    let counts = states.map { "\(stock[$0]) \($0.rawValue)" }.joined(separator: ", ")
    let pending = stock.pending > 0 ? "; claims wait for \(stock.pending)" : ""
    return "\(pool.name): \(stock.produced) items: \(counts)\(pending)"
  }

  private static func write(
    _ found: Verification, of path: String, to json: inout JSONWriter
  ) {
    json.object { json in
      json.member("store", path)
      json.member("sound", found.isSound)
      json.array("pools") { json in
        for pool in found.pools {
          json.object { json in
            json.member("pool", pool.name)
            for state in ItemState.allCases {
              json.member(text: state.rawValue, raw: "\(pool.stock[state])")
            }
            json.member("produced", pool.stock.produced)
            json.member("stale", pool.stock.stale)
            json.member("pending", pool.stock.pending)
          }
        }
      }
      json.array("violations") { json in
        for violation in found.violations {
          json.object { json in
            json.member("place", violation.place)
            json.member("problem", violation.problem)
            json.member("way_out", violation.wayOut)
          }
        }
      }
    }
  }
}
