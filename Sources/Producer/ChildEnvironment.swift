import Glibc
import Larder

/// The whole environment of a producer: nothing of ours is passed on that isn't named here.
struct ChildEnvironment {
  /// What is passed on of our own environment.
  private static let passedOn = ["PATH", "HOME", "LANG"]
  /// Where programs are looked up if there is no PATH.
  static let defaultPath = "/usr/local/bin:/usr/bin:/bin"

  /// `NAME=value` each.
  private(set) var entries: [[UInt8]] = []
  /// Where the producer, and so Larder for it, looks for programs.
  private(set) var path = Self.defaultPath

  /// Puts the variables together and reads the secrets' files.
  init(spec: ProducerSpec, request: SliceRequest) throws(StartError) {
    var variables: [String: [UInt8]] = [:]
    for name in Self.passedOn {
      guard let value = getenv(name) else { continue }
      variables[name] = Array(UnsafeRawBufferPointer(start: value, count: strlen(value)))
    }
    for (name, value) in spec.environment {
      variables[name] = Array(value.utf8)
    }
    for (name, path) in spec.secrets {
      variables[name] = try Self.secret(name, in: path)
    }
    // Last, since what a producer starts is found again by them.
    for (name, value) in request.environment {
      variables[name] = Array(value.utf8)
    }
    if let path = variables["PATH"] { self.path = String(decoding: path, as: UTF8.self) }
    for (name, value) in variables.sorted(by: { $0.key < $1.key }) {
      guard !name.isEmpty, !name.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "=") })
      else { throw StartError("\"\(name)\" can't name a variable") }
      guard !value.contains(0) else {
        throw StartError("the value of \(name) holds a NUL byte, which no variable can")
      }
      entries.append(Array("\(name)=".utf8) + value)
    }
  }

  private static func secret(_ name: String, in path: String) throws(StartError) -> [UInt8] {
    let bytes: [UInt8]
    do throws(PrivateFileError) {
      bytes = try PrivateFile.read(path, named: "the secret \(name)")
    } catch {
      throw StartError(error.description)
    }
    guard !bytes.contains(0) else {
      throw StartError(
        "the secret \(name) in \(path) holds a NUL byte, which no variable can: write it as text")
    }
    return bytes
  }
}
