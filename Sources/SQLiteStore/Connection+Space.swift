import Glibc
import Larder

extension Connection {
  /// The room on the database's disk, and within the database; nil where the system can't say.
  var space: DiskSpace? {
    var status = statvfs()
    guard statvfs(path, &status) == 0, status.f_blocks > 0 else { return nil }
    func bytes(_ blocks: UInt) -> Int64 {
      let (product, isTooLarge) = blocks.multipliedReportingOverflow(by: status.f_frsize)
      return isTooLarge ? .max : Int64(clamping: product)
    }
    let pages = try? first("PRAGMA freelist_count") { $0.int64(0) }
    let pageSize = try? first("PRAGMA page_size") { $0.int64(0) }
    return DiskSpace(
      free: bytes(status.f_bavail), reusable: (pages ?? 0) * (pageSize ?? 0),
      size: bytes(status.f_blocks))
  }
}
