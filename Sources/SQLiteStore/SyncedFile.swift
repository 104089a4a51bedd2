import Glibc
import Larder

/// Plain files that are on disk when a call returns. Whatever is made is its owner's alone, since
/// payloads are secrets.
enum SyncedFile {
  private static let chunkBytes = 1 << 20

  /// Writes a new file.
  static func write(_ bytes: [UInt8], to path: String) throws(StoreError) {
    let target = try create(path)
    defer { close(target) }
    let isWritten = bytes.withUnsafeBytes { write($0, to: target) }
    guard isWritten, fsync(target) == 0 else { throw failure(of: path) }
  }

  /// Copies a file into a new one.
  static func copy(_ path: String, to new: String) throws(StoreError) {
    let source = open(path, O_RDONLY | O_CLOEXEC)
    guard source >= 0 else { throw failure(of: path) }
    defer { close(source) }
    let target = try create(new)
    defer { close(target) }
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkBytes, alignment: 1)
    defer { chunk.deallocate() }
    while true {
      let count = Glibc.read(source, chunk.baseAddress, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(of: path) }
      if count == 0 { break }
      guard write(UnsafeRawBufferPointer(rebasing: chunk[..<count]), to: target) else {
        throw failure(of: new)
      }
    }
    guard fsync(target) == 0 else { throw failure(of: new) }
  }

  /// Reads a file, or its first bytes.
  static func read(_ path: String, atMost limit: Int) throws(StoreError) -> [UInt8] {
    let source = open(path, O_RDONLY | O_CLOEXEC)
    guard source >= 0 else { throw failure(of: path) }
    defer { close(source) }
    var bytes = [UInt8](repeating: 0, count: limit)
    let count = bytes.withUnsafeMutableBytes { Glibc.read(source, $0.baseAddress, $0.count) }
    guard count >= 0 else { throw failure(of: path) }
    return Array(bytes[..<count])
  }

  /// Makes what is written to a file durable, by another descriptor than the writer's.
  static func sync(_ path: String) throws(StoreError) {
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(of: path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure(of: path) }
  }

  /// Writes a file over itself and makes it durable.
  static func rewrite(_ path: String) throws(StoreError) {
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(of: path) }
    defer { close(descriptor) }
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkBytes, alignment: 1)
    defer { chunk.deallocate() }
    var offset: off_t = 0
    while true {
      let count = pread(descriptor, chunk.baseAddress, chunk.count, offset)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(of: path) }
      if count == 0 { break }
      var written = 0
      while written < count {
        let part = pwrite(
          descriptor, chunk.baseAddress! + written, count - written, offset + off_t(written))
        if part < 0, errno == EINTR { continue }
        guard part > 0 else { throw failure(of: path) }
        written += part
      }
      offset += off_t(count)
    }
    guard fsync(descriptor) == 0 else { throw failure(of: path) }
  }

  /// Makes the names in a file's folder durable.
  static func syncFolder(of path: String) throws(StoreError) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(of: folder) }
    defer { close(descriptor) }
    // Some file systems know no such thing.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(of: folder) }
  }

  /// What `errno` says about a file.
  static func failure(of path: String) -> StoreError {
    let code = errno
    let why = "\(path): \(String(cString: strerror(code)))"
    return code == ENOSPC || code == EDQUOT ? .full(why) : .failed(why)
  }

  private static func create(_ path: String) throws(StoreError) -> Int32 {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure(of: path) }
    return descriptor
  }

  /// Whether all bytes were written; else `errno` says why not.
  private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = Glibc.write(
        descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
}
