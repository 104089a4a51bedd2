/// A picture as text (SVG 1.1), drawn shape by shape.
struct SVG {
  private var body = ""
  private let width: Int
  private let height: Int
  private let title: String

  init(width: Int, height: Int, title: String) {
    self.width = width
    self.height = height
    self.title = title
  }

  /// The whole document.
  var text: String {
    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
      + "viewBox=\"0 0 \(width) \(height)\" font-family=\"sans-serif\" font-size=\"12\">\n"
      + "<title>\(Self.escaped(title))</title>\n"
      + "<rect width=\"\(width)\" height=\"\(height)\" fill=\"#ffffff\"/>\n" + body + "</svg>\n"
  }

  mutating func rectangle(x: Double, y: Double, width: Double, height: Double, fill: String) {
    add("rect", [("x", x), ("y", y), ("width", width), ("height", height)], "fill=\"\(fill)\"")
  }

  mutating func line(
    from start: (x: Double, y: Double), to end: (x: Double, y: Double), stroke: String,
    dashed: Bool = false
  ) {
    add(
      "line", [("x1", start.x), ("y1", start.y), ("x2", end.x), ("y2", end.y)],
      "stroke=\"\(stroke)\"" + (dashed ? " stroke-dasharray=\"4 3\"" : ""))
  }

  /// A line through points; a point that is nil interrupts it.
  mutating func path(_ points: [(x: Double, y: Double)?], stroke: String, width: Double) {
    var commands = ""
    var isDown = false
    for point in points {
      if let point {
        commands += (isDown ? "L" : "M") + Self.text(point.x) + " " + Self.text(point.y)
      }
      isDown = point != nil
    }
    guard !commands.isEmpty else { return }
    body +=
      "<path d=\"\(commands)\" fill=\"none\" stroke=\"\(stroke)\" "
      + "stroke-width=\"\(Self.text(width))\" stroke-linejoin=\"round\" stroke-linecap=\"round\"/>\n"
  }

  /// A filled shape around points.
  mutating func area(_ points: [(x: Double, y: Double)], fill: String, opacity: Double) {
    let corners = points.map { Self.text($0.x) + "," + Self.text($0.y) }
    body +=
      "<polygon points=\"\(corners.joined(separator: " "))\" fill=\"\(fill)\" "
      + "fill-opacity=\"\(Self.text(opacity))\"/>\n"
  }

  enum Anchor: String {
    case start, middle, end
  }

  mutating func label(
    _ text: String, x: Double, y: Double, anchor: Anchor = .start, fill: String = "#333333",
    size: Double = 12, bold: Bool = false
  ) {
    body +=
      "<text x=\"\(Self.text(x))\" y=\"\(Self.text(y))\" text-anchor=\"\(anchor.rawValue)\" "
      + "fill=\"\(fill)\" font-size=\"\(Self.text(size))\""
      + (bold ? " font-weight=\"bold\"" : "") + ">\(Self.escaped(text))</text>\n"
  }

  private mutating func add(_ name: String, _ numbers: [(String, Double)], _ rest: String) {
    let attributes = numbers.map { "\($0.0)=\"\(Self.text($0.1))\"" }
    body += "<\(name) \(attributes.joined(separator: " ")) \(rest)/>\n"
  }

  /// With two digits after the point at most.
  static func text(_ number: Double) -> String {
    let hundredths = Int((number * 100).rounded())
    let whole = hundredths.magnitude / 100
    let part = hundredths.magnitude % 100
    var text = (hundredths < 0 ? "-" : "") + "\(whole)"
    if part > 0 { text += part % 10 == 0 ? ".\(part / 10)" : part < 10 ? ".0\(part)" : ".\(part)" }
    return text
  }

  static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "&": escaped += "&amp;"
      case "\"": escaped += "&quot;"
      // XML has no way to write most of these.
      case "\u{0}"..<" ", "\u{FFFE}", "\u{FFFF}": escaped += " "
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
