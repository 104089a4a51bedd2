import Glibc

/// A weighted regression on three features that starts from coefficients which are plausible, and
/// gives way to the data as these grow.
struct Ridge {
  typealias Vector = (Double, Double, Double)

  private var matrix: [Double]
  private var right: [Double]

  init(prior: Vector, penalties: Vector) {
    matrix = [penalties.0, 0, 0, 0, penalties.1, 0, 0, 0, penalties.2]
    right = [penalties.0 * prior.0, penalties.1 * prior.1, penalties.2 * prior.2]
  }

  mutating func add(_ features: Vector, gives value: Double, weight: Double) {
    let row = [features.0, features.1, features.2]
    for i in 0..<3 {
      right[i] += weight * row[i] * value
      for j in 0..<3 { matrix[3 * i + j] += weight * row[i] * row[j] }
    }
  }

  /// The coefficients, by Cholesky's decomposition: penalties above 0 make the matrix positive.
  func solution() -> Vector {
    var lower = matrix
    for i in 0..<3 {
      for j in 0...i {
        var sum = matrix[3 * i + j]
        for k in 0..<j { sum -= lower[3 * i + k] * lower[3 * j + k] }
        lower[3 * i + j] = i == j ? sqrt(sum) : sum / lower[3 * j + j]
      }
    }
    var x = right
    for i in 0..<3 {
      for k in 0..<i { x[i] -= lower[3 * i + k] * x[k] }
      x[i] /= lower[3 * i + i]
    }
    for i in (0..<3).reversed() {
      for k in (i + 1)..<3 { x[i] -= lower[3 * k + i] * x[k] }
      x[i] /= lower[3 * i + i]
    }
    return (x[0], x[1], x[2])
  }
}
