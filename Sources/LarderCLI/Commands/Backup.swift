import Larder
import SQLiteStore

extension Command {
  static let backup = Command(
    name: "backup", arguments: "FILE",
    summary: "copies the store to a new file, also while serving",
    notes: "The copy is consistent, holds the payloads, and is readable by its owner only.",
    options: [], common: [.store, .json, .help]
  ) { context throws(CommandError) in
    let file = try context.arguments.single("FILE")
    let path = try context.storePath()
    try CommandError.wrapping {
      let reader = try SQLiteReader(path: path, readDefinition: Node.readDefinition)
      defer { reader.close() }
      try reader.backup(to: file)
    }
    if context.wantsJSON {
      Terminal.output(JSONWriter.text { $0.object { $0.member("backup", file) } } + [0x0A])
    } else {
      Terminal.error("the store was copied to \(file)\n")
    }
    return 0
  }
}
