import Larder

extension EngineState {
  /// Does what an operator wants of a pool; the next tick acts by it.
  ///
  /// - Returns: what is to be recorded; nothing where the pool is as wanted already.
  /// - Throws: `Problem` where there is no such pool.
  package mutating func perform(
    _ command: PoolCommand, on name: String, at now: Instant
  ) throws(Problem) -> [RunEvent] {
    guard var pool = pools[name] else {
      throw Problem(.unknownPool, "there is no pool \(name)")
    }
    var events: [RunEvent] = []
    switch command {
    case .pause:
      guard !pool.status.paused else { return [] }
      pool.status.paused = true
      events.append(.pause(pool: name, true))
    case .resume:
      guard pool.status.paused else { return [] }
      pool.status.paused = false
      events.append(.pause(pool: name, false))
      events += forgetPausedTimes(&pool, at: now)
    case .resetBreaker:
      guard pool.status.memory.failures > 0 else { return [] }
      pool.status.memory.failures = 0
      events.append(.resetBreaker(pool: name))
    }
    pools[name] = pool
    dirty.append(name)
    return events
  }

  /// Nominal times that passed while the pool was paused are not missed ones. The marks say so at
  /// once, since the engine that looks at them may be one that was not there during the pause.
  private func forgetPausedTimes(_ pool: inout PoolState, at now: Instant) -> [RunEvent] {
    var events: [RunEvent] = []
    for schedule in pool.status.pool.schedules {
      guard var mark = pool.status.marks[schedule.name] else { continue }
      mark.considered = now
      mark.active = pool.status.standstill == nil && !schedule.suspend
      pool.status.marks[schedule.name] = mark
      events.append(.mark(pool: pool.status.pool.name, schedule: schedule.name, mark))
    }
    return events
  }
}
