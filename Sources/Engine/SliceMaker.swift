import Larder
import Producer

/// Has one slice made and puts it on disk: the work of one producer's thread.
struct SliceMaker: Sendable {
  let launch: Launch
  let spec: ProducerSpec
  let process: ProducerProcess
  let writer: StoreWriter
  /// Set where the slice is given up, so that nobody waits any longer to store it.
  var halt = Mailbox(false)
  /// Told once where a good slice has to wait for room on the disk.
  var waits: @Sendable (String) -> Void = { _ in }
  /// Told once how the slice ended, together with the stock that it changed: a stock that holds
  /// the items while the run still has them in flight would count them twice.
  let report: @Sendable (SliceResult, [String: Stock]) -> Void

  func make() {
    let run = launch.run
    let output = process.run { identity in
      // Without the row a restart still finds the process, by the run's id in its environment.
      _ = try? writer.perform { (store, now) throws(StoreError) in
        try store.record([.process(run: run, identity)], at: now)
      }
    }
    if output.end == .cancelled { return report(.givenUp, [:]) }
    if case .couldNotStart = output.end { return report(.notStarted(why(output.end)), [:]) }
    guard output.isGood else { return report(.failed(why(output.end), log: output.log), [:]) }
    commit(output)
  }

  private func commit(_ output: SliceOutput) {
    let slice = SliceCommit(
      run: launch.run, slice: launch.slice, items: output.items, cursor: output.cursor,
      overfill: output.overfill, revision: spec.revision, log: output.log)
    let filling = StoreWriter.Filling(
      bytes: output.items.storedBytes + output.log.count, isMade: true)
    var hasWaited = false
    while true {
      do throws(StoreError) {
        try writer.perform(filling: filling) { (store, now) throws(StoreError) in
          let result = try store.commit(slice, at: now)
          // Where the stock can't be read now, the writer tries again and tells it by itself.
          let stocks = (try? store.takeChanges()) ?? [:]
          report(.committed(result, printed: output.printed, cursor: output.cursor), stocks)
        }
        return
      } catch .fenced {
        return report(.givenUp, [:])
      } catch .full(let why) {
        // The producer did its part, so it is no failed try, and the supplier is not asked again.
        if !hasWaited {
          waits("slice \(launch.slice) of run \(launch.run) waits to be stored: \(why)")
        }
        hasWaited = true
        let isHalted = halt.take(within: Limits.diskLook) { $0 ? true : nil }
        if isHalted == true { return report(.givenUp, [:]) }
      } catch {
        return report(.failed("\(error)", log: output.log), [:])
      }
    }
  }

  private func why(_ end: SliceEnd) -> String {
    switch end {
    case .later: "the producer asked to be tried again later (exit 75)"
    case .exited(let status): "the producer exited with \(status)"
    case .signalled(let signal): "signal \(signal) ended the producer"
    case .timedOut:
      "the producer took longer than its timeout of \(DurationText.format(spec.timeout))"
    case .cancelled: "the producer was ended"
    case .brokenLine(let number, let why):
      "line \(number) of the producer's output is broken: \(why)"
    case .tooMuchOutput:
      "the producer printed more than \(Limits.sliceBytes) bytes for one slice"
    case .couldNotStart(let why): "the producer could not start: \(why)"
    }
  }
}
