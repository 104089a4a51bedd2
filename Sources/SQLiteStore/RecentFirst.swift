/// Values by key. The one that was used last is found by comparing its key, without hashing it: what
/// comes together is mostly of one key, as claims of one pool.
struct RecentFirst<Key: Hashable, Value> {
  private var recent: (key: Key, value: Value)?
  private var others: [Key: Value] = [:]

  var isEmpty: Bool { recent == nil && others.isEmpty }

  var count: Int { others.count + (recent == nil ? 0 : 1) }

  var all: [(key: Key, value: Value)] {
    others.map { ($0.key, $0.value) } + (recent.map { [$0] } ?? [])
  }

  subscript(key: Key) -> Value? {
    get {
      if let recent, recent.key == key { return recent.value }
      return others.isEmpty ? nil : others[key]
    }
    set {
      guard let newValue else {
        _ = take(key)
        return
      }
      if recent?.key == key {
        recent?.value = newValue
      } else {
        others[key] = nil
        putRecentAway()
        recent = (key, newValue)
      }
    }
  }

  /// Takes a value out, mostly to put it back changed.
  mutating func take(_ key: Key) -> Value? {
    guard let (known, value) = recent, known == key else {
      return others.isEmpty ? nil : others.removeValue(forKey: key)
    }
    recent = nil
    return value
  }

  /// Changes a key's value in place.
  mutating func change<Result>(
    _ key: Key, default value: @autoclosure () -> Value, _ body: (inout Value) -> Result
  ) -> Result {
    if recent?.key != key {
      let found = others.isEmpty ? nil : others.removeValue(forKey: key)
      putRecentAway()
      recent = (key, found ?? value())
    }
    return body(&recent!.value)
  }

  private mutating func putRecentAway() {
    if let recent { others[recent.key] = recent.value }
  }

  mutating func removeAll() {
    recent = nil
    if !others.isEmpty { others.removeAll(keepingCapacity: true) }
  }
}
