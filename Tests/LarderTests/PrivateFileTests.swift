import Foundation
import Larder
import Testing

@Suite struct PrivateFileTests {
  private func withFile(_ content: [UInt8], mode: mode_t, _ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "secret-" + UUID().uuidString
    defer { unlink(path) }
    try Data(content).write(to: URL(fileURLWithPath: path))
    try #require(chmod(path, mode) == 0)
    try body(path)
  }

  private func read(_ path: String) throws -> [UInt8] {
    try PrivateFile.read(path, named: "the secret")
  }

  @Test func oneNewlineAtTheEndIsLeftOut() throws {
    for (content, secret) in [("a", "a"), ("a\n", "a"), ("a\n\n", "a\n"), ("\n", ""), ("", "")] {
      try withFile(Array(content.utf8), mode: 0o400) { path in
        let read = try read(path)
        #expect(read == Array(secret.utf8))
      }
    }
  }

  @Test func aSecretHasSoManyBytes() throws {
    for (bytes, isTaken) in [
      (Limits.secretBytes - 1, true), (Limits.secretBytes, true), (Limits.secretBytes + 1, false),
    ] {
      try withFile([UInt8](repeating: 1, count: bytes), mode: 0o600) { path in
        #expect(((try? read(path)) != nil) == isTaken, "\(bytes) bytes")
      }
    }
  }

  @Test(arguments: [mode_t(0o644), 0o640, 0o604, 0o620, 0o700, 0o000, 0o4400])
  func otherModesAreRefusedWithTheWayOut(_ mode: mode_t) throws {
    try withFile([65], mode: mode) { path in
      let error = try #require(throws: PrivateFileError.self) { try read(path) }
      // Who is not root can't even open a file of mode 0.
      let isOpened = mode != 0 || geteuid() == 0
      #expect(error.description.contains(isOpened ? "chmod 0400 \(path)" : "opened"), "\(error)")
    }
  }

  @Test(.enabled(if: geteuid() == 0, "giving a file away needs root"))
  func anothersFileIsRefused() throws {
    try withFile([65], mode: 0o400) { path in
      try #require(chown(path, 1, 1) == 0)
      let error = try #require(throws: PrivateFileError.self) { try read(path) }
      #expect(error.description.hasSuffix("it must be Larder's own: chown 0 \(path)"), "\(error)")
    }
  }
}
