import Larder
import Sizing

/// A policy as `--policy` names it.
enum PolicyChoice: Equatable {
  case learned(topUps: Bool)
  case fixed(Int)
  /// The fixed target that turns out best, which nobody could have known.
  case bestFixed
  case reorder(at: Int, target: Int)

  static let forms = "learned, learned+topup, fixed:N, fixed:best or reorder:R,T"

  /// What is compared where nobody says.
  static let usual: [PolicyChoice] = [.learned(topUps: false), .learned(topUps: true), .bestFixed]

  init?(_ text: String) {
    func number(_ text: Substring) -> Int? {
      guard let number = Int(text), (0...Limits.poolMax).contains(number) else { return nil }
      return number
    }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    switch (parts[0], parts.count) {
    case ("learned", 1): self = .learned(topUps: false)
    case ("learned+topup", 1): self = .learned(topUps: true)
    case ("fixed", 2) where parts[1] == "best": self = .bestFixed
    case ("fixed", 2):
      guard let target = number(parts[1]) else { return nil }
      self = .fixed(target)
    case ("reorder", 2):
      let levels = parts[1].split(separator: ",", omittingEmptySubsequences: false).map(number)
      guard levels.count == 2, let point = levels[0], let target = levels[1], point <= target
      else { return nil }
      self = .reorder(at: point, target: target)
    default: return nil
    }
  }

  var name: String {
    switch self {
    case .learned(let topUps): topUps ? "learned+topup" : "learned"
    case .fixed(let target): "fixed:\(target)"
    case .bestFixed: "fixed:best"
    case .reorder(let point, let target): "reorder:\(point),\(target)"
    }
  }
}
