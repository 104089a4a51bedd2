import FaultShimControl
import Testing

@testable import Faults

/// The model of a disk that loses power.
struct DiskTests {
  private static let log = Int(faultshim_log.rawValue)
  private static let folder = Int(faultshim_folder.rawValue)

  private var disk = Disk()

  init() {
    take(faultshim_created)
  }

  private mutating func take(
    _ kind: faultshim_event, _ bytes: [UInt8] = [], at offset: Int = 0, result: Int = 0,
    file: Int = log
  ) {
    disk.take(DiskRecord.Event(kind, file: file, offset: offset, bytes: bytes, result: result))
  }

  private func content(_ luck: Disk.Luck) -> [UInt8]? {
    var random = Randomness(seed: 1)
    return disk.state(luck, &random)[Self.log]
  }

  private func page(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 4096) }

  @Test func whatWasNotSyncedMayBeThereOrNot() {
    #expect(content(.nothing) == nil)
    #expect(content(.everything) == [])
  }

  @Test mutating func aSyncKeepsWhatWasWrittenBefore() {
    take(faultshim_written, page(1))
    take(faultshim_synced)
    take(faultshim_written, page(2))
    #expect(content(.nothing) == page(1))
    #expect(content(.everything) == page(2))
  }

  @Test mutating func whatAFailedSyncDroppedNoLaterSyncWrites() {
    take(faultshim_written, page(1))
    take(faultshim_synced)
    take(faultshim_written, page(2))
    take(faultshim_written, page(3), at: 4096)
    take(faultshim_synced, result: -1)
    take(faultshim_synced)
    #expect(content(.everything) == page(1))
  }

  @Test mutating func aPageThatIsWrittenToAgainGoesToDiskAsAWhole() {
    take(faultshim_written, page(1) + page(1))
    take(faultshim_synced, result: -1)
    take(faultshim_written, [7], at: 10)
    take(faultshim_synced)
    var expected = page(1)
    expected[10] = 7
    #expect(content(.nothing) == expected)
  }

  @Test mutating func aRemovedFileComesBackUnlessItsFolderWasSynced() {
    take(faultshim_written, page(1))
    take(faultshim_synced)
    take(faultshim_removed)
    take(faultshim_synced, result: -1, file: Self.folder)
    #expect(content(.nothing) == page(1))
    take(faultshim_synced, file: Self.folder)
    #expect(content(.nothing) == nil)
  }
}
