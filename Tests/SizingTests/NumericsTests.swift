import Testing

@testable import Sizing

struct NumericsTests {
  // The values are those of SciPy 1.17, `nbinom.cdf(k, 1 / φ, 1 / (1 + φμ))`.
  @Test(arguments: [
    (5, 0.3, 3, 0.394849583982279), (5, 0.3, 0, 0.0471556031825969),
    (48.4973, 0.087594, 63, 0.831971862553797), (90.4431, 0.102125, 73, 0.313752076209881),
    (0.02, 250, 0, 0.992858584091306), (0.02, 0.0001, 1, 0.999802627561042),
    (344.774, 0.001858, 300, 0.0284450028649497), (69.4969, 0.0001, 94, 0.997815617627256),
    (1, 1e-06, 2, 0.919698510949655), (1000, 0.05, 1400, 0.950951428117044),
    (20000, 0.01, 19000, 0.317908092484998), (3, 12, 40, 0.983391460864998),
    (100_000, 0.0001, 98000, 0.0277225493554824),
  ])
  func probabilitiesAreThoseOfTables(
    _ mean: Double, _ dispersion: Double, _ count: Int, _ expected: Double
  ) {
    let demand = NegativeBinomial(mean: mean, dispersion: dispersion)
    #expect(abs(demand.atMost(count) - expected) < 1e-10 * expected.squareRoot())
  }

  @Test(arguments: [
    (5, 0.3, 0.9, 10), (48.4973, 0.087594, 0.1, 29), (48.4973, 0.087594, 0.9, 70),
    (0.02, 0.05, 0.9, 0), (0.02, 0.05, 0.99, 1), (120, 0.02, 0.995, 177),
  ])
  func quantilesAreThoseOfTables(
    _ mean: Double, _ dispersion: Double, _ probability: Double, _ expected: Int
  ) {
    let demand = NegativeBinomial(mean: mean, dispersion: dispersion)
    #expect(demand.quantile(probability, reach: 1000) == expected)
  }

  @Test func quantilesEndBehindTheReach() {
    #expect(NegativeBinomial(mean: 100, dispersion: 0.1).quantile(0.9, reach: 20) == 21)
    #expect(NegativeBinomial(mean: 1, dispersion: 0.1).quantile(1.5, reach: 20) == 21)
  }

  @Test func withoutDispersionDemandIsPoisson() {
    let demand = NegativeBinomial(mean: 2, dispersion: 0)
    // e⁻² (1 + 2 + 2)
    #expect(abs(demand.atMost(2) - 0.6766764161830634) < 1e-5)
    #expect(demand.atMost(-1) == 0)
  }

  @Test func theRegressionSolvesItsEquations() {
    var ridge = Ridge(prior: (0, 0.3, 0.2), penalties: (20, 10, 10))
    ridge.add((1, 0.5, 0.2), gives: 0.3, weight: 1)
    ridge.add((1, -0.3, 0.1), gives: -0.2, weight: 2)
    ridge.add((1, 1.2, -0.4), gives: 0.5, weight: 0.5)
    ridge.add((1, 0, 0.9), gives: 0.4, weight: 1.5)
    ridge.add((1, -1, -1), gives: -0.9, weight: 1)
    // NumPy's `linalg.solve`.
    let (constant, hour, day) = ridge.solution()
    #expect(abs(constant - -0.00428913) < 1e-8)
    #expect(abs(hour - 0.35130344) < 1e-8)
    #expect(abs(day - 0.24939832) < 1e-8)
  }

  @Test func withoutDataTheRegressionKeepsWhatIsPlausible() {
    let (constant, hour, day) = Ridge(prior: (0, 0.3, 0.2), penalties: (20, 10, 10)).solution()
    #expect(abs(constant) < 1e-15 && abs(hour - 0.3) < 1e-15 && abs(day - 0.2) < 1e-15)
  }

  @Test func theTargetIsTheLastItemThatIsWorthItsCost() {
    var random = SeededRandom(3)
    for _ in 0..<200 {
      let mean = Double.random(in: 0.1...40, using: &random)
      let until = NegativeBinomial(
        mean: mean, dispersion: Double.random(in: 0...1, using: &random))
      let life = NegativeBinomial(
        mean: mean * Double.random(in: 1...4, using: &random), dispersion: 0.2)
      let costs = Costs(
        miss: Double.random(in: 0...20, using: &random),
        waste: Double.random(in: 0...2, using: &random),
        holding: Double.random(in: 0...0.2, using: &random))
      func gain(_ item: Int) -> Double {
        let unused = until.atMost(item - 1)
        return costs.miss * (1 - unused) - costs.waste * life.atMost(item - 1)
          - costs.holding * unused
      }
      let target = costs.target(until: until, life: life, reach: 200)
      let expected = (1...201).prefix { gain($0) > 0 }.last ?? 0
      #expect(target == expected)
    }
  }

  @Test func anItemThatMissesDoNotPayForIsNotOrdered() {
    let demand = NegativeBinomial(mean: 5, dispersion: 0.1)
    #expect(Costs(miss: 0).target(until: demand, life: demand, reach: 100) == 0)
    #expect(Costs(miss: 1, waste: 0).target(until: demand, life: demand, reach: 10) == 11)
  }

  @Test func ringsKeepTheNewest() {
    var ring = Ring<Int>(capacity: 3, start: 7)
    #expect(ring[7] == nil)
    for element in 70..<75 { ring.append(element) }
    #expect(ring.start == 9 && ring.end == 12)
    #expect((6...13).map { ring[$0] } == [nil, nil, nil, 72, 73, 74, nil, nil])
    ring.update(10) { $0 += 100 }
    ring.update(8) { $0 += 100 }
    #expect((9..<12).map { ring[$0] } == [72, 173, 74])
    var same = Ring<Int>(capacity: 3, start: 9)
    for element in [72, 173, 74] { same.append(element) }
    #expect(ring == same)
    same.update(9) { $0 = 0 }
    #expect(ring != same)
  }
}
