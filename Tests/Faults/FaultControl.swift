import FaultShimControl
import Glibc
import Harness

/// The control block that a test shares with a process that has the shim preloaded.
final class FaultControl {
  private let block: UnsafeMutablePointer<faultshim_control>
  /// What makes a process take its faults from here.
  let environment: [String: String]

  /// - Parameters:
  ///   - path: the file to be mapped, which is made.
  ///   - store: the database's absolute path.
  init(path: String, store: String, shim: String) throws {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw ClientError.system(path) }
    defer { close(descriptor) }
    let size = MemoryLayout<faultshim_control>.size
    guard ftruncate(descriptor, size) == 0,
      let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
      memory != MAP_FAILED
    else { throw ClientError.system(path) }
    block = memory.bindMemory(to: faultshim_control.self, capacity: 1)
    environment = [
      "LD_PRELOAD": shim, "FAULTSHIM_CONTROL": path, "FAULTSHIM_STORE": store,
    ]
  }

  /// The control of a workspace's store.
  convenience init(_ workspace: Workspace) throws {
    let folder = try Workspace.binary().split(separator: "/").dropLast().joined(separator: "/")
    try self.init(
      path: workspace.path + "/control", store: workspace.store,
      shim: "/\(folder)/libFaultShim.so")
  }

  deinit { munmap(block, MemoryLayout<faultshim_control>.size) }

  /// Ends the process at one of its next calls of a kind, the first if `number` is 1, and at no
  /// other.
  func kill(at number: Int, of kind: faultshim_kind, _ action: faultshim_action) {
    clear()
    change(kind) { fault in
      fault.from = fault.calls + Int64(number)
      fault.to = fault.from
      fault.action = Int32(action.rawValue)
    }
  }

  /// Lets calls of a kind fail, beginning with the next one if `number` is 1.
  func fail(at number: Int, of kind: faultshim_kind, with error: Int32, count: Int = 1) {
    clear()
    change(kind) { fault in
      fault.from = fault.calls + Int64(number)
      fault.to = fault.from + Int64(count) - 1
      fault.error = error
      fault.action = Int32(faultshim_fail.rawValue)
    }
  }

  /// How many of those calls that were to fail have.
  func failed(_ kind: faultshim_kind) -> Int {
    var count: Int64 = 0
    change(kind) { if $0.from > 0 { count = min($0.calls, $0.to) - $0.from + 1 } }
    return Int(max(0, count))
  }

  /// The bytes that the store's files may have in all; 0: any number.
  var capacity: Int64 {
    get { block.pointee.capacity }
    set { block.pointee.capacity = newValue }
  }

  /// Nanoseconds that the wall clock is ahead.
  var clockShift: Int64 {
    get { block.pointee.clock_shift }
    set { block.pointee.clock_shift = newValue }
  }

  /// Lets all calls pass.
  func clear() {
    block.pointee.capacity = 0
    for kind in [faultshim_write, faultshim_sync, faultshim_send, faultshim_open] {
      change(kind) { $0.from = 0 }
    }
  }

  private func change(_ kind: faultshim_kind, _ body: (inout faultshim_fault) -> Void) {
    withUnsafeMutableBytes(of: &block.pointee.faults) { bytes in
      body(&bytes.bindMemory(to: faultshim_fault.self)[Int(kind.rawValue)])
    }
  }
}
