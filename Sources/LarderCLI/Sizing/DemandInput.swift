import Larder
import Sizing

/// Demand from a file that is named on the command line.
enum DemandInput {
  static func read(_ path: String) throws(CommandError) -> DemandSeries {
    let bytes = try Files.read(path, upTo: Limits.demandFileBytes)
    do throws(DemandFile.Malformed) {
      return try DemandFile.read(bytes)
    } catch {
      let place = error.line > 0 ? "\(path):\(error.line)" : path
      throw .failed("\(place): \(error.message)")
    }
  }
}
