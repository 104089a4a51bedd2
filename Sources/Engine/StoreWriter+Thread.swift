import Larder

/// What the writer's thread does, and whoever decides in its place.
extension StoreWriter {
  func run() {
    let store = desk.store
    if serves { desk.agenda.service = .now }
    tell(desk.guarding.look(store))
    planAhead()
    while true {
      var error: StoreError?
      switch next() {
      case .stop:
        if serves { _ = noteService(store) }
        store.close()
        return
      case .lost(let final):
        error = final
      case .orders(let batch):
        error = decideAndNote(batch)
        // One piece of other work between two batches of claims, when it is its turn.
        if error == nil, desk.turns.isDue(.now),
          let work = queue.change({ $0.works.isEmpty ? nil : $0.works.removeFirst() })
        {
          error = perform(work)
        }
        if error == nil, store.upkeepWaits { error = keepUp(store) }
      case .work(let work):
        error = perform(work)
      case .upkeep:
        error = keepUp(store)
      case .demand:
        error = write(store) { (store) throws(StoreError) in try store.writeDemand() }
        desk.agenda.demand = nil
      case .settle:
        error = write(store) { (store) throws(StoreError) in try store.settle() }
        desk.agenda.settle = store.grantsWait ? .now + Limits.diskRetry : nil
      case .service:
        error = noteService(store)
        desk.agenda.service = .now + nextBin
      case .look:
        error = desk.guarding.lookAndTry(store)
      case .news:
        observers.tellAfterStocks()
        desk.agenda.news = nil
      }
      tell(desk.guarding.disk)
      if let error {
        failure(error)
        refuseAll(error)
        store.close()
        return
      }
      planAhead()
    }
  }

  /// Notes when what waits now is to be done.
  private func planAhead() {
    func time(
      _ planned: ContinuousClock.Instant?, _ waits: Bool, _ delay: Duration
    ) -> ContinuousClock.Instant? {
      waits ? planned ?? .now + delay : nil
    }
    let agenda = desk.agenda
    desk.agenda.settle = time(agenda.settle, desk.store.grantsWait, Limits.settleDelay)
    desk.agenda.demand = time(agenda.demand, desk.store.demandWaits, Limits.demandDelay)
    desk.agenda.news = time(agenda.news, observers.newsWaits, Limits.newsDelay)
    desk.agenda.look = desk.guarding.nextLook
  }

  // MARK: - Claims that come alone

  /// Whether the desk is the caller's from now on: the writer rests, and nothing waits for it.
  func takeDesk() -> Bool {
    queue.leave { queue in
      guard queue.user == .nobody, queue.orders.isEmpty, queue.works.isEmpty, !queue.stopping,
        queue.alone.mayBegin()
      else { return false }
      queue.user = .caller
      return true
    }
  }

  /// Decides an order on the caller's thread, whose the desk is, and gives the desk back.
  func decideAlone(_ waiting: Waiting) {
    let began = ContinuousClock.now
    desk.error = decideAndNote([waiting])
    let took = ContinuousClock.now - began
    tell(desk.guarding.disk)
    if desk.error == nil { planAhead() }
    let (error, next, upkeep) = (desk.error, desk.agenda.next, desk.store.upkeepWaits)
    let mustWake = queue.leave { queue in
      queue.alone.note(took)
      // A lost store is the writer's to deal with.
      queue.user = error == nil ? .nobody : .writer
      queue.mustLook = true
      let wakesInTime = next.map { next in queue.wakesAt.map { $0 <= next } ?? false } ?? true
      return error != nil || upkeep || queue.isWanted || !wakesInTime || !queue.orders.isEmpty
        || !queue.works.isEmpty || queue.stopping
    }
    if mustWake { queue.wake() }
  }

  /// Decides orders; gives an error only where the store is lost.
  private func decideAndNote(_ batch: [Waiting]) -> StoreError? {
    let error = decide(batch, desk.store, &desk.guarding)
    desk.turns.noteClaims(.now)
    desk.agenda.settle = nil
    return error
  }

  // MARK: - What is next

  /// Answers everything with the error until the writer is stopped: nobody knows what the store
  /// holds, so nothing more may be asked of it.
  private func refuseAll(_ error: StoreError) {
    while true {
      switch waitForJob(within: nil, works: true, resting: false) {
      case .orders(let batch): for entry in batch { entry.answer(.failure(error)) }
      case .work(let work): work.refuse(error)
      case .stop: return
      default: continue
      }
    }
  }

  /// Waits for what comes next. What is on the agenda comes first when its time has come, whatever else
  /// there is to do; the store's own work waits for a moment with nothing else.
  private func next() -> Job {
    while true {
      if let error = desk.error { return .lost(error) }
      let due = desk.agenda.next
      guard due.map({ $0 > .now }) ?? true else { return desk.agenda.job(at: due) }
      // Work that is there before its turn is looked at again when its turn has come.
      let mayWork = desk.turns.isDue(.now)
      let end = [due, mayWork ? nil : desk.turns.next].compactMap { $0 }.min()
      let upkeep = desk.store.upkeepWaits
      // Waits are counted in whole milliseconds.
      let span = upkeep ? .zero : end.map { max($0 - .now, .milliseconds(1)) }
      if let job = waitForJob(within: span, works: mayWork, resting: !upkeep) { return job }
      // The time is over: the desk is the writer's again, as soon as a caller leaves it.
      _ = queue.take { queue -> Bool? in
        queue.isWanted = queue.user == .caller
        guard !queue.isWanted else { return nil }
        (queue.user, queue.mustLook) = (.writer, false)
        return true
      }
      if upkeep { return .upkeep }
    }
  }

  /// Waits for something to do; nil when the time is over, or somebody used the desk.
  ///
  /// - Parameters:
  ///   - works: whether other work may be the job; it may in any case while the writer stops.
  ///   - resting: whether the desk is left to others meanwhile.
  private func waitForJob(within span: Duration?, works: Bool, resting: Bool) -> Job? {
    let wakesAt = span.map { ContinuousClock.now + $0 }
    let found = queue.take(within: span) { queue -> Job?? in
      guard queue.user != .caller else { return nil }
      queue.user = .writer
      // Before anything else: the store may be lost.
      if queue.mustLook { return .some(nil) }
      if !queue.orders.isEmpty {
        let batch = Array(queue.orders.prefix(Limits.claimBatch))
        queue.orders.removeFirst(batch.count)
        return Job.orders(batch)
      }
      if !queue.works.isEmpty, works || queue.stopping {
        return Job.work(queue.works.removeFirst())
      }
      if queue.stopping { return Job.stop }
      if resting { (queue.user, queue.wakesAt) = (.nobody, wakesAt) }
      return nil
    }
    return found ?? nil
  }

  /// Decides a batch of orders; gives an error only where the store is lost.
  private func decide(
    _ batch: [Waiting], _ store: any Store, _ guarding: inout DiskGuard
  ) -> StoreError? {
    do throws(StoreError) {
      let rest = try decideAtOnce(batch[...], store)
      if !rest.isEmpty { queue.change { $0.orders.insert(contentsOf: rest, at: 0) } }
      return nil
    } catch .full where batch.count > Limits.claimBatchWhenFull {
      return decideInParts(batch, store, &guarding)
    } catch {
      return refuse(batch, error, &guarding)
    }
  }

  /// Fewer claims at once may have room where more of them have none.
  private func decideInParts(
    _ batch: [Waiting], _ store: any Store, _ guarding: inout DiskGuard
  ) -> StoreError? {
    var rest = batch[...]
    while !rest.isEmpty {
      do throws(StoreError) {
        let left = try decideAtOnce(rest.prefix(Limits.claimBatchWhenFull), store)
        rest = rest[left.startIndex...]
      } catch {
        return refuse(Array(rest), error, &guarding)
      }
    }
    return nil
  }

  /// Decides what one transaction takes of a batch, and gives the rest.
  private func decideAtOnce(
    _ batch: ArraySlice<Waiting>, _ store: any Store
  ) throws(StoreError) -> ArraySlice<Waiting> {
    let outcomes = try store.decide(batch.map(\.order), at: clock())
    precondition(!outcomes.isEmpty, "a store that decides nothing would be asked for ever")
    observers.tellChanges(of: store)
    for (entry, outcome) in zip(batch, outcomes) { entry.answer(.success(outcome)) }
    return batch.dropFirst(outcomes.count)
  }

  /// Answers with an error, and gives it where the store is lost.
  private func refuse(
    _ batch: [Waiting], _ error: StoreError, _ guarding: inout DiskGuard
  ) -> StoreError? {
    // Before anybody is answered: whoever asks then finds that the server is not ready.
    if case .full = error { tell(guarding.foundFull()) }
    for entry in batch { entry.answer(.failure(error)) }
    return error.isFinal ? error : note(error)
  }

  /// Does a piece of other work; gives an error only where the store is lost.
  private func perform(_ work: Work) -> StoreError? {
    let store = desk.store
    let began = ContinuousClock.now
    defer { desk.turns.noteWork(began..<max(began, .now)) }
    if let filling = work.filling {
      tell(desk.guarding.look(store))
      if let why = desk.guarding.refusal(of: filling) {
        work.refuse(.full(why))
        return nil
      }
    }
    let (error, answer) = work.perform(store)
    defer { answer() }
    if let error, error.isFinal { return error }
    let lost = desk.guarding.note(error, of: work.filling, store)
    tell(desk.guarding.disk)
    if let lost { return lost }
    if let error { _ = note(error) }
    observers.tellChanges(of: store)
    return nil
  }

  /// Does a piece of the store's own work; gives an error only where the store is lost. What could not
  /// be done goes on waiting.
  private func keepUp(_ store: any Store) -> StoreError? {
    write(store) { (store) throws(StoreError) in try store.keepUp() }
  }

  private func noteService(_ store: any Store) -> StoreError? {
    write(store) { (store) throws(StoreError) in try store.noteService(at: clock()) }
  }

  /// How long it is until the next bin of demand begins.
  private var nextBin: Duration {
    let now = clock()
    return Demand.bin(of: now) + Demand.bin - now
  }

  private func write(
    _ store: any Store, _ work: (any Store) throws(StoreError) -> Void
  ) -> StoreError? {
    do throws(StoreError) {
      try work(store)
      return nil
    } catch {
      return error.isFinal ? error : note(error)
    }
  }

  /// Tells of an error that is not final, and gives none.
  private func note(_ error: StoreError) -> StoreError? {
    if error.isTrouble { observers.tell(of: error) }
    return nil
  }

  /// Lets others see what the disk allows.
  private func tell(_ disk: Disk) {
    diskSeen.change { $0 = disk }
    observers.tell(of: disk)
  }
}
