import Foundation
import Lock

/// What load clients have in common.
final class LoadShared: Sendable {
  private let turns = Lock(0)
  private let seed: UInt64

  init(seed: UInt64) { self.seed = seed }

  /// A request that several clients send at about the same time.
  func contended() -> LoadRequest {
    let turn = turns.withLock { turns in
      turns += 1
      return turns / 8
    }
    return LoadRequest(
      pool: turn % 3 == 0 ? LoadPools.reports : LoadPools.codes, user: "crowd-\(turn)",
      key: "crowd-\(turn)", count: 1 + turn % 2)
  }
}

/// Clients on threads of their own, and one that fills the pool of codes.
package final class Load: Sendable {
  /// The least that the campaign asks for.
  package static let clients = 16
  private static let shelf = 3000
  private static let linesPerPut = 500
  private static let feederPause: useconds_t = 4_000

  private let target: Target
  private let threads = DispatchGroup()

  /// Starts them. They end when the target is closed.
  package init(clients: Int = clients, target: Target, recorder: Recorder, seed: UInt64) {
    self.target = target
    let shared = LoadShared(seed: seed)
    for number in 1...clients {
      start {
        LoadClient(number, target: target, recorder: recorder, shared: shared, seed: seed).run()
      }
    }
    start {
      let client = LoadClient(0, target: target, recorder: recorder, shared: shared, seed: seed)
      Self.feed(client, target)
    }
  }

  private func start(_ body: @escaping @Sendable () -> Void) {
    threads.enter()
    let threads = threads
    Thread.detachNewThread {
      body()
      threads.leave()
    }
  }

  private static func feed(_ client: LoadClient, _ target: Target) {
    var made = 0
    while !target.isClosed {
      guard let level = client.level(LoadPools.codes) else { return }
      guard level.outcome == .ok, level.counts["available"] ?? 0 < shelf else {
        usleep(feederPause)
        continue
      }
      client.put(
        (0..<linesPerPut).map {
          Ledger.Line(key: "k-\(made + $0)", payload: #"{"code": "c-\#(made + $0)"}"#)
        })
      made += linesPerPut
    }
  }

  /// Closes the target and waits for the clients' ends.
  package func stop() {
    target.close()
    threads.wait()
  }
}
