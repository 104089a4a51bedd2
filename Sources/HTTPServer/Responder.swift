import Synchronization

/// The one chance to answer a request, from any thread, now or later.
///
/// A responder that goes away unused answers 500. An answer to a client that is gone, or after the
/// server stopped, is dropped.
package final class Responder: Sendable {
  private let answers: AnswerQueue
  private let connection: Connection
  private let request: UInt64
  private let isAnswered = Atomic<Bool>(false)

  init(answers: AnswerQueue, connection: Connection, request: UInt64) {
    self.answers = answers
    self.connection = connection
    self.request = request
  }

  deinit {
    if let letter = letter(.dropped) { deliver(letter) }
  }

  /// Answers. Only the first call counts.
  package func send(_ response: HTTPResponse) {
    if let letter = letter(.response(response)) { deliver(letter) }
  }

  private func letter(_ answer: Answer) -> AnswerQueue.Letter? {
    guard !isAnswered.exchange(true, ordering: .relaxed) else { return nil }
    return AnswerQueue.Letter(connection: connection, request: request, answer: answer)
  }

  private func deliver(_ letter: AnswerQueue.Letter) {
    if answers.isOnLoopThread, connection.accept(letter.answer, request: request) { return }
    answers.post(letter)
  }
}
