import Foundation
import Harness
import Testing

/// A small file system in a workspace, and the store on it.
private final class SmallDisk {
  let path: String
  let environment: [String: String]

  init(_ workspace: Workspace, kilobytes: Int) throws {
    path = workspace.path + "/disk"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard mount("larder-test", path, "tmpfs", 0, "size=\(kilobytes)k") == 0 else {
      throw POSIXError(.EPERM)
    }
    environment = ["LARDER_STORE": "sqlite:\(path)/larder.db"]
  }

  func grow(kilobytes: Int) {
    let done = mount("larder-test", path, "tmpfs", UInt(MS_REMOUNT), "size=\(kilobytes)k")
    #expect(done == 0)
  }

  /// Takes all that is left, as another program may.
  func fillUp() throws {
    let file = open(ballast, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    defer { close(file) }
    let block = [UInt8](repeating: 1, count: 4096)
    while write(file, block, block.count) > 0 {}
    #expect(errno == ENOSPC)
  }

  func giveBack() { unlink(ballast) }

  private var ballast: String { path + "/of-another-program" }

  deinit { umount2(path, Int32(MNT_DETACH)) }

  static let canBeMade = (try? Workspace.with { try SmallDisk($0, kilobytes: 16) }) != nil
}

@Suite(.enabled(if: SmallDisk.canBeMade, "mounting a small file system needs root"))
struct DiskTests {
  /// A producer that writes down what it printed, on another disk.
  private static func hungry(_ workspace: Workspace) throws {
    try workspace.producer(
      "make",
      """
      echo "$LARDER_RUN $LARDER_SLICE" >>\(workspace.path)/calls
      pad=$(head -c 2000 /dev/zero | tr '\\0' x)
      i=0
      while [ "$i" -lt "$LARDER_COUNT" ]; do
        i=$((i + 1))
        printf '{"payload": "%s-%s-%s-%s", "key": "%s-%s-%s"}\\n' \\
          "$LARDER_RUN" "$LARDER_SLICE" "$i" "$pad" "$LARDER_RUN" "$LARDER_SLICE" "$i" \\
          | tee -a \(workspace.path)/ledger
      done
      """)
    try workspace.declare(
      "codes",
      """
      producer: {command: [./make], slice: 10}
      stock: {target: 5000, reorder_at: 4999, max: 5000}
      claims: {per_user: 0}
      """)
  }

  private func warnings(_ json: JSON) -> [String] {
    json["warnings"].elements.compactMap(\.string)
  }

  /// The body of a new claim.
  private func granted(_ server: ServerProcess, _ key: String) throws -> JSON {
    let answer = try server.http.claim("codes", "u", key: key)
    #expect(answer.status == 201)
    return answer.json
  }

  @Test func fillingStopsAndClaimsGoOnAndWithSpaceAllGoesOnByItself() throws {
    try Workspace.with { workspace in
      let disk = try SmallDisk(workspace, kilobytes: 4096)
      defer { withExtendedLifetime(disk) {} }
      try Self.hungry(workspace)
      let server = try workspace.serve(environment: disk.environment)
      var claims: [String: JSON] = [:]
      try eventually("a nearly full disk") {
        warnings(try server.http.level("codes")).contains { $0.contains("nearly full") }
      }
      try eventually("no slice under way") {
        try server.http.level("codes")["in_flight"] == .int(0)
      }
      let calls = workspace.lines("calls").count
      #expect(calls > 5)

      // Claims go on, and the server is ready and says what it lacks.
      for number in 0..<100 { claims["k\(number)"] = try granted(server, "k\(number)") }
      let ready = try server.http.get("/readyz")
      #expect(ready.status == 200)
      #expect(warnings(ready.json).contains { $0.contains("filling has stopped") })
      let level = try server.http.level("codes")
      #expect(level["reasons"][0].string?.hasPrefix("the disk is nearly full, with ") == true)
      #expect(server.child.errors.components(separatedBy: "the disk is nearly full").count == 2)
      let metrics = try server.http.get("/metrics").text
      #expect(metrics.contains("\nlarder_filling_stopped 1\n"))
      #expect(metrics.contains("\nlarder_disk_full 0\n"))

      // Whoever would fill it is told so.
      let put = try server.http.send(
        "POST", "/v1/pools/codes/items", body: Array(#"{"payload": 1}"#.utf8))
      let run = try server.http.post("/v1/pools/codes/runs")
      for answer in [put, run] {
        #expect(answer.status == 503 && answer.json["type"] == .string("urn:larder:disk-full"))
        #expect(answer.header("Retry-After").flatMap { Int($0) } ?? 0 > 0)
      }
      #expect(workspace.lines("calls").count == calls)

      disk.grow(kilobytes: 64 * 1024)
      try eventually("more items") { workspace.lines("calls").count > calls + 5 }
      #expect(warnings(try server.http.get("/readyz").json) == [])
      #expect(server.child.errors.contains("the disk has room again: filling goes on"))
      #expect(try server.http.get("/metrics").text.contains("\nlarder_filling_stopped 0\n"))
      try expectNothingLost(workspace, disk, server, claims)
    }
  }

  /// Another program takes what is left: claims go on as long as they can, are refused as a whole
  /// then, and go on when there is space.
  @Test func onAFullDiskClaimsAreRefusedAndGoOnByThemselves() throws {
    try Workspace.with { workspace in
      let disk = try SmallDisk(workspace, kilobytes: 6144)
      defer { withExtendedLifetime(disk) {} }
      try workspace.declare("codes", "claims: {per_user: 0}")
      let lines = (0..<2000).map { #"{"payload": "p-\#($0)", "key": "\#($0)"}"# }
      let put = try workspace.larder(
        "put", "codes", input: lines.joined(separator: "\n"), environment: disk.environment)
      #expect(put.status == 0)
      let server = try workspace.serve(environment: disk.environment)
      var claims: [String: JSON] = [:]
      for number in 0..<20 { claims["k\(number)"] = try granted(server, "k\(number)") }
      try disk.fillUp()
      var refused: HTTPAnswer?
      for number in 20..<2000 where refused == nil {
        let answer = try server.http.claim("codes", "u", key: "k\(number)")
        if answer.status == 201 { claims["k\(number)"] = answer.json } else { refused = answer }
      }
      let refusal = try #require(refused)
      #expect(refusal.status == 503 && refusal.json["type"] == .string("urn:larder:disk-full"))
      #expect(refusal.header("Retry-After") != nil)
      let count = claims.count
      let ready = try server.http.get("/readyz")
      #expect(ready.status == 503 && ready.json["type"] == .string("urn:larder:disk-full"))
      #expect(try server.http.get("/livez").status == 200)
      #expect(try server.http.level("codes")["available"] == .int(2000 - count))
      // What is known is still answered.
      let known = try server.http.claim("codes", "u", key: "k0")
      #expect(known.status == 200 && known.json == claims["k0"])

      disk.giveBack()
      try eventually("readiness") { try server.http.get("/readyz").status == 200 }
      claims["again"] = try granted(server, "again")
      #expect(try server.http.level("codes")["claimed"] == .int(count + 1))
      try eventually("the end in the log") {
        server.child.errors.contains(/the disk has room again: .*filling goes? on/)
      }
      #expect(try server.stop() == 0)
      #expect(try workspace.larder("verify", environment: disk.environment).status == 0)
      let restarted = try workspace.serve(environment: disk.environment)
      for (key, claim) in claims {
        #expect(try restarted.http.claim("codes", "u", key: key).json == claim)
      }
    }
  }

  @Test func aServerStartsOnAFullDiskAndTakesChangesWhenThereIsSpace() throws {
    try Workspace.with { workspace in
      let disk = try SmallDisk(workspace, kilobytes: 4096)
      defer { withExtendedLifetime(disk) {} }
      try workspace.declare("codes", "claims: {per_user: 0}")
      // The database has all its pages before the disk is full.
      #expect(try workspace.serve(environment: disk.environment).stop() == 0)
      let first = try workspace.serve(environment: disk.environment)
      #expect(
        try first.http.send(
          "POST", "/v1/pools/codes/items", body: Array(#"{"payload": 1}"#.utf8)
        ).status == 200)
      let claim = try granted(first, "k")
      try first.kill()
      try disk.fillUp()
      let server = try workspace.serve(environment: disk.environment)
      #expect(try server.http.claim("codes", "u", key: "k").json == claim)
      // The start put the log into the database and made it short.
      try disk.fillUp()
      try workspace.declare("others", "")
      try eventually("a warning") { server.child.errors.contains("can't be taken in") }
      #expect(try server.http.get("/v1/pools/others/level").status == 404)
      disk.giveBack()
      try eventually("the new pool") {
        try server.http.get("/v1/pools/others/level").status == 200
      }
    }
  }

  private func expectNothingLost(
    _ workspace: Workspace, _ disk: SmallDisk, _ server: ServerProcess, _ claims: [String: JSON]
  ) throws {
    #expect(try workspace.larder("pause", "codes", environment: disk.environment).status == 0)
    try eventually("no slice under way") {
      try server.http.level("codes")["in_flight"] == .int(0)
    }
    // Every call of the producer brought its slice once, and none was called for again.
    let calls = workspace.lines("calls")
    #expect(Set(calls).count == calls.count)
    let level = try server.http.level("codes")
    let produced = level["produced"].int ?? 0
    #expect(produced == workspace.lines("ledger").count && produced == 10 * calls.count)
    #expect(level["claimed"] == .int(claims.count))
    var items: Set<String> = []
    for (key, claim) in claims {
      #expect(try server.http.claim("codes", "u", key: key).json == claim)
      items.insert(claim["items"][0]["key"].string ?? "")
    }
    #expect(items.count == claims.count)
    #expect(try server.stop() == 0)
    let verified = try workspace.larder("verify", environment: disk.environment)
    #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
  }
}

/// Lets syncs of a store's files fail, by way of the library that the faults campaign preloads.
private struct FailingSyncs {
  let environment: [String: String]
  private let control: String
  /// Of `faultshim_control`: a fault is 32 bytes, and the second is that of syncs.
  private static let size = 4 * 32 + 16
  private static let syncs = 32

  init(_ workspace: Workspace) throws {
    control = workspace.path + "/control"
    try Data(repeating: 0, count: Self.size).write(to: URL(fileURLWithPath: control))
    environment = [
      "LD_PRELOAD": Self.library, "FAULTSHIM_CONTROL": control,
      "FAULTSHIM_STORE": workspace.store,
    ]
  }

  /// From now on they all fail, or none does.
  func set(_ isOn: Bool) throws {
    let file = open(control, O_WRONLY)
    defer { close(file) }
    // `to`, `action` and `error`, and `from` last, which begins it.
    let fail: Int32 = 4
    for (offset, bytes) in [
      (16, withUnsafeBytes(of: Int64.max) { Array($0) }),
      (24, withUnsafeBytes(of: fail) { Array($0) }), (28, withUnsafeBytes(of: EIO) { Array($0) }),
      (8, withUnsafeBytes(of: isOn ? 1 : 0 as Int64) { Array($0) }),
    ] {
      #expect(pwrite(file, bytes, bytes.count, off_t(Self.syncs + offset)) == bytes.count)
    }
  }

  private static var library: String {
    ((try? Workspace.binary()) ?? "").replacing(/larder$/, with: "libFaultShim.so")
  }
  static var isThere: Bool { FileManager.default.isReadableFile(atPath: library) }
}

@Suite struct DiskErrorTests {
  /// Whoever waits is answered, nobody is told that a claim was made, and only a restart finds out.
  @Test(.enabled(if: FailingSyncs.isThere, "the library that makes syncs fail is not built"))
  func anUnknownCommitEndsTheServerAndTheRestartResolvesIt() throws {
    try Workspace.with { workspace in
      let syncs = try FailingSyncs(workspace)
      try workspace.declare("codes", "claims: {per_user: 0}")
      let lines = (0..<500).map { #"{"payload": "p-\#($0)"}"# }
      #expect(
        try workspace.larder("put", "codes", input: lines.joined(separator: "\n")).status == 0)
      let server = try workspace.serve(environment: syncs.environment)
      let before = try server.http.claim("codes", "u", key: "before")
      #expect(before.status == 201)
      try syncs.set(true)
      // Who comes when the server has ended already is not answered.
      let answers = try atOnce(24) { client in
        try? server.http.claim("codes", "u", key: "k\(client)")
      }.compactMap { $0 }
      #expect(!answers.isEmpty)
      for answer in answers {
        #expect(answer.status == 503 && answer.json["type"] == .string("urn:larder:busy"))
        #expect(answer.header("Retry-After") != nil)
      }
      #expect(try server.child.wait() == 1)
      #expect(server.child.errors.contains("may or may not have taken place"))
      #expect(server.child.errors.contains("only a restart can find out"))

      try syncs.set(false)
      let again = try workspace.serve()
      let old = try again.http.claim("codes", "u", key: "before")
      #expect(old.status == 200 && old.body == before.body)
      var items: Set<String> = [before.json["items"][0]["id"].string ?? ""]
      for client in 0..<24 {
        let answer = try again.http.claim("codes", "u", key: "k\(client)")
        #expect(answer.status == 200 || answer.status == 201)
        items.insert(answer.json["items"][0]["id"].string ?? "")
      }
      #expect(items.count == 25)
      #expect(try again.http.level("codes")["claimed"] == .int(25))
    }
  }

  @Test func aDatabaseThatIsFoundDamagedEndsTheServerAndSaysTheWayOut() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      let lines = (0..<2000).map { #"{"payload": "p-\#($0)", "key": "\#($0)"}"# }
      #expect(
        try workspace.larder("put", "codes", input: lines.joined(separator: "\n")).status == 0)
      let server = try workspace.serve()
      // All but the first pages, which every connection has read, turn to noise.
      let file = open(workspace.store, O_WRONLY)
      defer { close(file) }
      let noise = [UInt8](repeating: 0xA5, count: 4096)
      let size = lseek(file, 0, SEEK_END)
      for offset in stride(from: 4096, to: size, by: 4096) {
        #expect(pwrite(file, noise, noise.count, offset) == noise.count)
      }
      // Whether a reader finds it or a claim does.
      let answer = try? server.http.get("/v1/pools/codes/items/1000")
      #expect(answer.map { $0.status == 503 } ?? true)
      #expect(try server.child.wait() == 1)
      #expect(server.child.errors.contains("`larder verify` says what is wrong"))
      #expect(server.child.errors.contains("`larder restore FILE` brings a backup back"))
    }
  }
}
