import Glibc

/// What libFuzzer calls with each input, to be read by the subject that SUBJECT names.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  do throws(Broken) {
    try subject.check(bytes)
  } catch {
    // The fuzzer keeps the input of a process that ends so.
    fatalError("\(subject): \(error)")
  }
  return 0
}

private let subject: Subject = {
  let name = getenv("SUBJECT").map { String(cString: $0) } ?? ""
  guard let subject = Subject(rawValue: name) else {
    let known = Subject.allCases.map(\.rawValue).joined(separator: ", ")
    fatalError("SUBJECT is one of \(known), not \(name)")
  }
  return subject
}()
