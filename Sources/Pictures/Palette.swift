/// Colours that are told apart by everybody (Okabe and Ito), and greys.
enum Palette {
  static let blue = "#0072b2"
  static let sky = "#56b4e9"
  static let green = "#009e73"
  static let vermilion = "#d55e00"
  static let orange = "#e69f00"
  static let purple = "#cc79a7"
  static let black = "#000000"
  static let grey = "#666666"
  static let faint = "#e4e4e4"
}
