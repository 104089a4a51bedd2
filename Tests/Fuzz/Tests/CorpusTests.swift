import Foundation
import Testing

/// A file of a corpus.
struct CorpusFile: CustomTestStringConvertible, Sendable {
  let subject: Subject
  let name: String

  var testDescription: String { "\(subject)/\(name)" }

  private static let folder = Bundle.module.resourceURL!.appending(path: "Corpora")

  var bytes: [UInt8] {
    get throws {
      [UInt8](try Data(contentsOf: Self.folder.appending(path: "\(subject)/\(name)")))
    }
  }

  static func all(of subject: Subject) -> [CorpusFile] {
    let path = folder.appending(path: subject.rawValue).path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.sorted().map { CorpusFile(subject: subject, name: $0) }
  }
}

/// One after the other: a history of calls is given the store that the last one left unchanged.
@Suite(.serialized) struct CorpusTests {
  @Test(arguments: Subject.allCases.flatMap(CorpusFile.all))
  func everyFileIsReadAsPromised(_ file: CorpusFile) throws {
    try file.subject.check(try file.bytes)
  }

  @Test(arguments: Subject.allCases) func corporaAreThereAndSmall(_ subject: Subject) throws {
    let sizes = try CorpusFile.all(of: subject).map { try $0.bytes.count }
    #expect((1...100).contains(sizes.count))
    #expect(sizes.reduce(0, +) <= 32 * 1024)
  }
}
