import Larder
import Sizing

/// A policy as `--policy` names it.
enum PolicyChoice: Equatable {
  /// As the pool's file has it.
  case today
  case learned(topUps: Bool)
  case fixed(Int)
  /// The fixed target that turns out best, which nobody could have known.
  case bestFixed
  case reorder(at: Int, target: Int)

  static let forms = "learned, learned+topup, fixed:N, fixed:best or reorder:R,T"
  static let formsWithFile = "today, " + forms

  /// What is compared where nobody says.
  static let usual: [PolicyChoice] = [.learned(topUps: false), .learned(topUps: true), .bestFixed]

  /// What is compared with a pool's file where nobody says: what it has, and what it might have.
  static func usual(of pool: Pool) -> [PolicyChoice] {
    var choices: [PolicyChoice] = [.today, .learned(topUps: false), .learned(topUps: true)]
    if pool.schedules.contains(where: { !$0.suspend }) { choices.append(.bestFixed) }
    if pool.stock.reorderAt > 0, let target = pool.stock.target {
      choices.append(.reorder(at: pool.stock.reorderAt, target: target))
    }
    return choices
  }

  /// A pool that is filled by this policy, and otherwise as its file says.
  func applied(to pool: Pool) -> Pool {
    var pool = pool
    pool.suspend = false
    guard self != .today else { return pool }
    (pool.stock.isAuto, pool.stock.takesAll, pool.stock.target) = (false, false, nil)
    for index in pool.schedules.indices { pool.schedules[index].target = nil }
    switch self {
    case .today, .bestFixed: break
    case .learned(let topUps):
      (pool.stock.isAuto, pool.stock.sizing, pool.stock.topsUp) = (true, .auto, topUps)
    case .fixed(let target): pool.fill(upTo: target, reorderingAt: 0)
    case .reorder(let point, let target):
      pool.schedules = []
      pool.fill(upTo: target, reorderingAt: point)
    }
    return pool
  }

  init?(_ text: String) {
    func number(_ text: Substring) -> Int? {
      guard let number = Int(text), (0...Limits.poolMax).contains(number) else { return nil }
      return number
    }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    switch (parts[0], parts.count) {
    case ("today", 1): self = .today
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
    case .today: "today"
    case .learned(let topUps): topUps ? "learned+topup" : "learned"
    case .fixed(let target): "fixed:\(target)"
    case .bestFixed: "fixed:best"
    case .reorder(let point, let target): "reorder:\(point),\(target)"
    }
  }
}

extension Pool {
  fileprivate mutating func fill(upTo target: Int, reorderingAt point: Int) {
    (stock.target, stock.reorderAt) = (target, point)
    // Leave room: what was tried may be more than the file allows.
    stock.max = max(stock.max, target)
  }
}
