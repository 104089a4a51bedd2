import Larder

/// Who is told of what a store's writer did, on its thread.
final class StoreObservers: Sendable {
  /// A closure that is itself the state of a generic box is wrapped once more each time that the box
  /// is opened, so that calling it costs more and more: these stand in a structure.
  struct Lists {
    var stocks: (@Sendable ([String: Stock]) -> Void)?
    var afterStocks: (@Sendable () -> Void)?
    fileprivate var newsWaits = false
    var resolved: [@Sendable ([String]) -> Void] = []
    var disk: [@Sendable (Disk) -> Void] = []
    var trouble: (@Sendable (StoreError) -> Void)?
    fileprivate var troubleToldAt: ContinuousClock.Instant?
    /// What the disk's observers were told last, and how many they were.
    fileprivate var toldOfDisk: News?
    fileprivate var toldCount = 0
  }

  fileprivate struct News: Equatable {
    var isShort: Bool
    var isFull: Bool
    var mayFill: Bool

    init(_ disk: Disk) {
      isShort = disk.isShort
      isFull = disk.isFull
      mayFill = disk.mayFill
    }
  }

  private let lists = Mailbox(Lists())

  func change(_ body: (inout Lists) -> Void) { lists.change { body(&$0) } }

  /// Tells of changed stock and resolved claims, before anybody is answered: who acts on an answer,
  /// say by asking for a run, must find that the stock has changed.
  func tellChanges(of store: any Store) {
    let resolved = store.takeResolved()
    if !resolved.isEmpty {
      for observer in lists.change({ $0.resolved }) { observer(resolved) }
    }
    guard let changes = try? store.takeChanges(), !changes.isEmpty else { return }
    let observer = lists.change { lists in
      lists.newsWaits = lists.afterStocks != nil
      return lists.stocks
    }
    observer?(changes)
  }

  /// Whether stocks were told of since `tellAfterStocks`.
  var newsWaits: Bool { lists.leave { $0.newsWaits } }

  /// Tells whoever wants to hear some time after stocks were told of.
  func tellAfterStocks() {
    let observer = lists.change { lists in
      lists.newsWaits = false
      return lists.afterStocks
    }
    observer?()
  }

  /// Tells what the disk allows, if it is something else than before or somebody has yet to hear.
  func tell(of disk: Disk) {
    let observers = lists.change { lists -> [@Sendable (Disk) -> Void] in
      guard lists.toldOfDisk != News(disk) || lists.toldCount != lists.disk.count else { return [] }
      lists.toldOfDisk = News(disk)
      lists.toldCount = lists.disk.count
      return lists.disk
    }
    for observer in observers { observer(disk) }
  }

  /// Tells of an error, unless another was told of just now.
  func tell(of error: StoreError) {
    let observer = lists.change { lists -> (@Sendable (StoreError) -> Void)? in
      let now = ContinuousClock.now
      if let last = lists.troubleToldAt, now < last + Limits.troubleEvery { return nil }
      lists.troubleToldAt = now
      return lists.trouble
    }
    observer?(error)
  }
}
