import CLinux
import Glibc

/// An open file descriptor, closed when its owner lets it go.
struct Descriptor: ~Copyable {
  let number: Int32

  init(_ number: Int32) {
    self.number = number
  }

  deinit {
    close(number)
  }

  /// Makes reads and writes of this end return at once; the other end of a pipe keeps its ways.
  borrowing func makeNonBlocking() {
    _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK)
  }

  /// Reads once: the count, 0 at the end, or the negated error number.
  borrowing func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    while true {
      let count = Glibc.read(number, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      if errno != EINTR { return -Int(errno) }
    }
  }
}

/// A pipe, closed on exec.
struct Pipe: ~Copyable {
  let readEnd: Descriptor
  let writeEnd: Descriptor

  init() throws(StartError) {
    var ends: (Int32, Int32) = (-1, -1)
    let failure = withUnsafeMutablePointer(to: &ends) {
      $0.withMemoryRebound(to: Int32.self, capacity: 2) { clinux_child_pipe($0) }
    }
    guard failure == 0 else { throw StartError("no pipe could be made: \(systemText(failure))") }
    readEnd = Descriptor(ends.0)
    writeEnd = Descriptor(ends.1)
  }

  /// Closes the other end and gives this one, non-blocking.
  consuming func keepReadEnd() -> Descriptor {
    readEnd.makeNonBlocking()
    return readEnd
  }

  /// Closes the other end and gives this one, non-blocking.
  consuming func keepWriteEnd() -> Descriptor {
    writeEnd.makeNonBlocking()
    return writeEnd
  }
}

/// Reads a whole small file, of /proc for example; nil and `errno` if that fails.
/// - Parameter limit: reading stops at the first piece that passes this many bytes.
func contents(ofFile path: String, limit: Int) -> [UInt8]? {
  let number = open(path, O_RDONLY | O_CLOEXEC)
  guard number >= 0 else { return nil }
  return contents(of: Descriptor(number), limit: limit)
}

/// Reads a descriptor to its end; nil and `errno` if that fails.
func contents(of file: borrowing Descriptor, limit: Int) -> [UInt8]? {
  var bytes: [UInt8] = []
  let piece = 4096
  while bytes.count <= limit {
    var failure: Int32 = 0
    let next = [UInt8](unsafeUninitializedCapacity: piece) { buffer, count in
      let result = file.read(into: UnsafeMutableRawBufferPointer(buffer))
      count = max(result, 0)
      failure = result < 0 ? Int32(-result) : 0
    }
    if failure != 0 {
      errno = failure
      return nil
    }
    if next.isEmpty { return bytes }
    bytes += next
  }
  return bytes
}
