import Larder

/// Histories, made up from a seed.
struct StepSource {
  private var random: SeededRandom
  private let pools: Int
  /// What comes next of steps that belong together.
  private var rest: [Step] = []

  init(seed: UInt64, pools: Int) {
    random = SeededRandom(seed: seed ^ 0x5EED)
    self.pools = pools
  }

  /// The next steps; the first of a longer history are those of a shorter one.
  mutating func steps(_ count: Int) -> [Step] {
    (0..<count).map { _ in step() }
  }

  private mutating func step() -> Step {
    if rest.isEmpty, random.chance(1) { rest = rush() }
    if !rest.isEmpty { return rest.removeFirst() }
    var step = Step(action: action())
    if random.chance(6) { step.meanwhile = (0..<random.number(1...2)).map { _ in concurrent() } }
    if random.chance(3) { step.crash = crash() }
    return step
  }

  /// Items of several lives come to a pool, and claims of some of them at several times, with nothing
  /// between that takes from the shelf what has expired.
  private mutating func rush() -> [Step] {
    let pool = pool()
    var actions: [Action] = []
    for _ in 0..<random.number(2...3) {
      let number = Batch.Number.exactly(random.number(1...6))
      let life = random.pick([nil, nil, 1, 4, 30, 95])
      actions.append(
        .put(pool: pool, batch: Batch(number: number, life: life, seed: random.next())))
    }
    for _ in 0..<random.number(2...3) {
      let claim = ClaimAction(
        pool: pool, user: random.number(1...8), count: random.pick([1, 2, 3, 8]))
      actions += [.orders([.request(claim)]), .stall(milliseconds: random.number(0...40_000))]
    }
    return ([.keepBusy(steps: actions.count)] + actions).map { Step(action: $0) }
  }

  private mutating func crash() -> Crash {
    Crash(
      write: random.number(0...3),
      moment: random.pick([.before, .within, .within, .after, .after]),
      copying: random.chance(30), downtime: downtime())
  }

  private mutating func downtime() -> Int {
    switch random.number(0...9) {
    case 0..<4: random.number(0...9000)
    case 4..<7: random.number(0...900_000)
    case 7: random.number(0...20_000_000)
    case 8: random.number(0...172_800_000)
    default: -random.number(0...600_000)
    }
  }

  private mutating func concurrent() -> Action {
    switch random.number(0...9) {
    case 0..<4: .put(pool: pool(), batch: batch(of: putNumber()))
    case 4..<7: orders()
    default: .finish(launch: launch(), batch: sliceBatch())
    }
  }

  private mutating func action() -> Action {
    switch random.number(0...199) {
    case 0..<21: orders()
    case 21..<24: .forget(user: random.number(1...12), limit: random.pick([1, 2, 100]))
    case 24..<32: .repeatClaim(number: random.number(0...10_000), other: random.chance(20))
    case 32..<42: .put(pool: pool(), batch: batch(of: putNumber()))
    case 42..<46:
      .push(
        limit: random.pick([1, 3, 8, 100]), arriving: random.pick([0, 5, 10, 10]),
        losing: random.pick([0, 0, 2]), seed: random.next())
    case 46..<48: recall()
    case 48..<51: .recallOn(limit: random.pick([1, 3, 10, 200]))
    case 51..<53:
      .purge(
        before: random.pick([10_800, 10_800, 20_000, 90_000]), limit: random.pick([1, 5, 20, 200]))
    case 53..<92: .finish(launch: launch(), batch: sliceBatch())
    case 92..<106: .fail(launch: launch())
    case 106..<108: .notStarted(launch: launch())
    case 108..<111: .giveUp(launch: launch())
    case 111..<114: .late(launch: launch(), batch: sliceBatch())
    case 114..<120:
      .request(pool: pool(), count: random.chance(30) ? nil : random.pick([3, 30, 60]))
    case 120..<145: .advance(milliseconds: random.number(0...40_000))
    case 145..<158: .toDeadline(beyond: random.pick([0, 0, 1, 999, 9_999, 10_000, 10_001]))
    case 158..<160: .advance(milliseconds: random.number(0...3_600_000))
    case 160..<165: .stall(milliseconds: random.number(0...60_000))
    case 165..<167: .stall(milliseconds: random.number(0...30_000_000))
    case 167..<170: .setBack(milliseconds: random.number(1...120_000))
    case 170: .setBack(milliseconds: random.number(1...7_200_000))
    case 171..<175: .change(changes())
    case 175..<178: restart()
    case 178: .command(pool: pool(), random.pick([.pause, .pause, .resetBreaker]))
    case 179..<186: .read
    case 186..<188: .holdSnapshot
    case 188..<191: .releaseSnapshot
    case 191..<195: .keepBusy(steps: random.number(1...6))
    case 195..<196: .calm
    case 196: .leave
    case 197..<199: .command(pool: pool(), .resume)
    default: .toDeadline(beyond: 0)
    }
  }

  private mutating func pool() -> Int { random.number(0...pools - 1) }
  private mutating func launch() -> Int { random.number(0...1000) }

  private mutating func restart() -> Action {
    .restart(
      milliseconds: downtime(), copying: random.chance(30),
      changes: random.chance(25) ? changes() : [])
  }

  private mutating func changes() -> [Change] {
    (0..<random.pick([1, 1, 1, 2, 3])).map { _ in
      switch random.number(0...9) {
      case 0: .anew(pool: pool(), seed: random.next())
      case 1..<5: .edit(pool: pool(), seed: random.next())
      case 5: .remove(pool: pool())
      case 6..<9: .comeBack(pool: pool())
      default: .spoil(pool: pool())
      }
    }
  }

  private mutating func recall() -> Action {
    .recall(
      pool: pool(),
      random.pick([
        .run(random.number(0...20)), .revision(random.number(1...3)),
        .made(ago: random.number(0...4000), span: random.pick([1, 300, 5000])),
      ]))
  }

  private mutating func orders() -> Action {
    .orders(
      (0..<random.pick([1, 1, 1, 2, 5])).map { _ in
        random.chance(30)
          ? .change(
            claim: random.chance(70) ? random.number(0...5) : random.number(0...10_000),
            random.pick(ClaimCommand.allCases)) : .request(request())
      })
  }

  private mutating func request() -> ClaimAction {
    ClaimAction(
      pool: random.chance(1) ? pools : pool(), user: random.number(1...8),
      key: random.chance(60) ? random.number(1...40) : nil,
      count: random.pick([1, 1, 1, 2, 3, 8, 20]),
      minRemaining: random.chance(15) ? random.pick([0, 60, 600]) : nil,
      hold: random.chance(35) ? random.pick([5, 60, 900]) : nil,
      match: random.chance(35) ? random.number(0...Attributes.matches.count - 1) : nil,
      onMiss: random.chance(20) ? random.pick([.reject, .backorder]) : nil)
  }

  /// Some, or more than any pool has room for.
  private mutating func putNumber() -> Batch.Number {
    .exactly(random.chance(15) ? 60 : random.number(1...random.pick([3, 20])))
  }

  private mutating func sliceBatch() -> Batch {
    switch random.number(0...9) {
    case 0..<7: batch(of: .asMany)
    case 7, 8: batch(of: .fewer(by: random.number(1...15)))
    default: batch(of: .more(by: random.number(1...20)))
    }
  }

  private mutating func batch(of number: Batch.Number) -> Batch {
    Batch(
      number: number,
      life: random.chance(50) ? nil : random.pick([-5, 0, 1, 4, 30, 95, 200, 1000, 90_000]),
      keys: random.chance(25) ? random.pick([5, 60]) : nil,
      user: random.chance(18) ? random.number(1...12) : nil, hasAttributes: random.chance(40),
      seed: random.next())
  }
}
