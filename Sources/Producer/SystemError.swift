import Glibc

/// The system's words for an error number.
func systemText(_ code: Int32) -> String {
  String(cString: strerror(code))
}
