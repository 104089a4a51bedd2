/// The misses and wasted items of the reference for two files of demand, and its targets at a probe.
enum Figures {
  struct Cell {
    let hours: Int
    let missCost: Int
    let topUps: Bool
    let misses: Int
    let waste: Int
    let target: Int
  }

  struct File {
    let name: String
    /// What counts begins so many days after the file does.
    let firstDay: Int
    let requests: Int
    let cells: [Cell]
  }

  /// Bins from an order until it is ready: 10 minutes.
  static let lead = 2
  /// The targets are those so long after the first bin that counts.
  static let probeHours = 249
  /// Microseconds that a plan may take.
  static let planTime = 5000.0
  /// By how much per cent a cell may cost more.
  static let tolerance = 2.0

  /// The shelf life and the costs of a miss in the live week.
  static let liveHours = 2
  static let liveMissCosts = [0.2, 1, 5]

  static let files = [
    File(
      name: "taxi50", firstDay: 140, requests: 85_511,
      cells: [
        Cell(
          hours: 2, missCost: 1, topUps: false, misses: 583, waste: 840, target: 63),
        Cell(
          hours: 2, missCost: 1, topUps: true, misses: 68, waste: 803, target: 63),
        Cell(
          hours: 2, missCost: 5, topUps: false, misses: 258, waste: 1663, target: 74),
        Cell(
          hours: 2, missCost: 5, topUps: true, misses: 24, waste: 1659, target: 74),
        Cell(
          hours: 2, missCost: 20, topUps: false, misses: 161, waste: 2832, target: 85),
        Cell(
          hours: 2, missCost: 20, topUps: true, misses: 12, waste: 2829, target: 85),
        Cell(
          hours: 6, missCost: 1, topUps: false, misses: 50, waste: 101, target: 118),
        Cell(
          hours: 6, missCost: 1, topUps: true, misses: 19, waste: 101, target: 118),
        Cell(
          hours: 6, missCost: 5, topUps: false, misses: 37, waste: 140, target: 126),
        Cell(
          hours: 6, missCost: 5, topUps: true, misses: 10, waste: 140, target: 126),
        Cell(
          hours: 6, missCost: 20, topUps: false, misses: 32, waste: 203, target: 132),
        Cell(
          hours: 6, missCost: 20, topUps: true, misses: 4, waste: 203, target: 132),
      ]),
    File(
      name: "flights", firstDay: 243, requests: 111_076,
      cells: [
        Cell(
          hours: 2, missCost: 1, topUps: false, misses: 115, waste: 456, target: 92),
        Cell(
          hours: 2, missCost: 1, topUps: true, misses: 74, waste: 525, target: 92),
        Cell(
          hours: 2, missCost: 5, topUps: false, misses: 16, waste: 1048, target: 94),
        Cell(
          hours: 2, missCost: 5, topUps: true, misses: 13, waste: 1100, target: 94),
        Cell(
          hours: 2, missCost: 20, topUps: false, misses: 4, waste: 1834, target: 97),
        Cell(
          hours: 2, missCost: 20, topUps: true, misses: 1, waste: 1851, target: 97),
        Cell(
          hours: 6, missCost: 1, topUps: false, misses: 76, waste: 212, target: 150),
        Cell(
          hours: 6, missCost: 1, topUps: true, misses: 21, waste: 222, target: 150),
        Cell(
          hours: 6, missCost: 5, topUps: false, misses: 8, waste: 511, target: 150),
        Cell(
          hours: 6, missCost: 5, topUps: true, misses: 0, waste: 516, target: 150),
        Cell(
          hours: 6, missCost: 20, topUps: false, misses: 0, waste: 854, target: 150),
        Cell(
          hours: 6, missCost: 20, topUps: true, misses: 0, waste: 857, target: 150),
      ]),
  ]
}
