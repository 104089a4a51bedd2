/// Progress on standard error: a bar that is drawn over on a terminal, a line for each change
/// elsewhere.
struct ProgressLine {
  private var last = ""

  mutating func show(_ what: String, done: Int, of total: Int) {
    let text: String
    if Terminal.errorIsTerminal, total > 0 {
      let width = 30
      let filled = min(width, width * done / total)
      let bar =
        String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
      text = "\(what) [\(bar)] \(done)/\(total)"
    } else {
      text = total > 0 ? "\(what): \(done) of \(total)" : what
    }
    guard text != last else { return }
    last = text
    Terminal.error(Terminal.errorIsTerminal ? "\r\u{1B}[K\(text)" : "\(text)\n")
  }

  /// Takes the bar away again.
  mutating func clear() {
    if Terminal.errorIsTerminal, !last.isEmpty { Terminal.error("\r\u{1B}[K") }
    last = ""
  }
}
