import Synchronization

/// The one chance to answer a request, from any thread, now or later.
///
/// A responder that goes away unused answers 500. An answer to a client that is gone, or after the
/// server stopped, is dropped.
package final class Responder: Sendable {
  private let mailbox: Mailbox
  private let connection: Connection
  private let request: UInt64
  private let isAnswered = Atomic<Bool>(false)

  init(mailbox: Mailbox, connection: Connection, request: UInt64) {
    self.mailbox = mailbox
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

  /// Answers several requests of one server with one wake-up of its loop.
  package static func sendAll(_ answers: [(Responder, HTTPResponse)]) {
    guard let mailbox = answers.first?.0.mailbox else { return }
    var letters: [Mailbox.Letter] = []
    letters.reserveCapacity(answers.count)
    for (responder, response) in answers {
      if responder.mailbox !== mailbox {
        responder.send(response)
      } else if let letter = responder.letter(.response(response)) {
        letters.append(letter)
      }
    }
    mailbox.post(letters)
  }

  private func letter(_ answer: Answer) -> Mailbox.Letter? {
    guard !isAnswered.exchange(true, ordering: .relaxed) else { return nil }
    return Mailbox.Letter(connection: connection, request: request, answer: answer)
  }

  private func deliver(_ letter: Mailbox.Letter) {
    if mailbox.isOnLoopThread, connection.accept(letter.answer, request: request) { return }
    mailbox.post(CollectionOfOne(letter))
  }
}
