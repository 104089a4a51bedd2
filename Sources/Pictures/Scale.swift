import Glibc

/// Where values from 0 to a maximum are between two places of a picture.
struct Scale {
  let top: Double
  let bottom: Double
  /// Round values, from 0 to the first that is no less than the maximum.
  let ticks: [Double]

  init(maximum: Double, top: Double, bottom: Double, ticks count: Int) {
    self.top = top
    self.bottom = bottom
    let maximum = max(maximum, 1)
    let rough = maximum / Double(count)
    let power = max(1, pow(10, floor(log10(rough))))
    let step = power * ([1, 2, 5, 10].first { $0 * power >= rough } ?? 10)
    ticks = Array(stride(from: 0, through: (maximum / step).rounded(.up) * step, by: step))
  }

  func y(_ value: Double) -> Double {
    bottom - (bottom - top) * value / (ticks.last ?? 1)
  }
}
