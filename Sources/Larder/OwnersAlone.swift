import Glibc

/// What nobody but its owner may write. Whoever may write a schedule file or a producer decides what
/// Larder runs, and so may do all that Larder may.
package enum OwnersAlone {
  /// Why a file or folder is refused that its group or others may write, as the end of a sentence
  /// about it, and the way out. Nil for one that they may not.
  package static func refusal(of path: String, _ status: stat) -> (why: String, wayOut: String)? {
    guard status.st_mode & (S_IWGRP | S_IWOTH) != 0 else { return nil }
    return ("may be written by its group or by others", "chmod go-w \(path)")
  }
}
