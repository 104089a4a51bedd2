import Foundation

package struct NeverHappened: Error, CustomStringConvertible {
  package let description: String
}

/// Looks again and again until there is a value, and gives it.
///
/// - Parameter seconds: far more than it ever takes, so that a slow machine fails no test.
@discardableResult
package func eventually<Value>(
  _ what: String, within seconds: Double = 60, _ look: () throws -> Value?
) throws -> Value {
  let deadline = ContinuousClock.now + .seconds(seconds)
  while true {
    if let value = try look() { return value }
    guard ContinuousClock.now < deadline else {
      throw NeverHappened(description: "\(what): not within \(seconds) s")
    }
    usleep(5_000)
  }
}

/// Looks again and again until the condition holds.
package func eventually(
  _ what: String, within seconds: Double = 60, _ holds: () throws -> Bool
) throws {
  try eventually(what, within: seconds) { try holds() ? true : nil }
}

/// Runs `body` on `count` threads at once and gives what they gave, in order.
package func atOnce<Value: Sendable>(
  _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
) throws -> [Value] {
  let results = Results<Value>(count)
  let done = DispatchGroup()
  for index in 0..<count {
    done.enter()
    Thread.detachNewThread {
      results.set(index, Result { try body(index) })
      done.leave()
    }
  }
  done.wait()
  return try results.all()
}

private final class Results<Value: Sendable>: @unchecked Sendable {  // the lock guards the array
  private let lock = NSLock()
  private var results: [Result<Value, any Error>?]

  init(_ count: Int) { results = Array(repeating: nil, count: count) }

  func set(_ index: Int, _ result: Result<Value, any Error>) {
    lock.withLock { results[index] = result }
  }

  func all() throws -> [Value] {
    try lock.withLock { try results.compactMap { try $0?.get() } }
  }
}
