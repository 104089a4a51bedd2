import Glibc

/// How demand runs against what is usual: logarithms of (demand + 1) / (usual + 1).
struct Levels: Sendable, Equatable {
  let lastHour: Double
  let lastDay: Double

  /// What a forecast goes by.
  var bounded: Levels {
    let bounds = -Method.levelBound...Method.levelBound
    return Levels(lastHour: bounds.clamp(lastHour), lastDay: bounds.clamp(lastDay))
  }
}

extension History {
  /// The levels of the last hour and day; 0 where nothing is known.
  func levels(before bin: Int, usual: (Int) -> Double?) -> Levels {
    Levels(
      lastHour: level(of: Grid.binsPerHour, before: bin, usual: usual),
      lastDay: level(of: Grid.binsPerDay, before: bin, usual: usual))
  }

  /// The level of some bins of the last day, of which those count whose demand is known as well as what
  /// is usual.
  func level(of bins: Int, before bin: Int, usual: (Int) -> Double?) -> Double {
    var came = 0
    var expected = 0.0
    var hour = Int.min
    var hourly: Double?
    for bin in (bin - bins)..<bin {
      if Grid.hour(of: bin) != hour {
        hour = Grid.hour(of: bin)
        hourly = usual(hour)
      }
      guard let hourly, let requests = requests(of: bin) else { continue }
      came += requests
      expected += hourly / Double(Grid.binsPerHour)
    }
    return log((Double(came) + 1) / (expected + 1))
  }
}
