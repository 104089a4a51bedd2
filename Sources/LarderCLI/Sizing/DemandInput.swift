import Larder
import Sizing

/// Demand from a file that is named on the command line.
enum DemandInput {
  static let time = Option(
    name: "--time", value: "NAME", help: "the member of JSON lines that has the time")

  /// Reads a demand file or an access log.
  static func read(
    _ path: String, timeField: String? = nil
  ) throws(CommandError) -> DemandSeries {
    let bytes = try Files.read(path, upTo: Limits.demandFileBytes)
    do throws(DemandFile.Malformed) {
      if AccessLog.isLog(bytes) { return try AccessLog.read(bytes, timeField: timeField) }
      return try DemandFile.read(bytes)
    } catch {
      let place = error.line > 0 ? "\(path):\(error.line)" : path
      throw .failed("\(place): \(error.message)")
    }
  }
}
