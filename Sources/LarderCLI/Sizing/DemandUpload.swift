import API
import Larder
import Sizing

/// Demand that is sent to a pool in as many requests as it needs.
struct DemandUpload {
  let client: any Client
  let pool: String
  let series: DemandSeries

  func run() throws(CommandError) -> DemandImport {
    var total = DemandImport()
    var progress = ProgressLine()
    var start = series.start
    repeat {
      let end = min(start + Limits.importedBins, series.end)
      var request = APIRequest("POST", ["v1", "pools", pool, "demand"])
      request.contentType = "text/csv"
      request.body = Array(DemandText.csv(series, start..<end).utf8)
      let answer = JSONNode(try client.call(request))
      total.bins += answer?["bins"]?.int ?? 0
      total.requests += answer?["requests"]?.int ?? 0
      total.kept += answer?["kept"]?.int ?? 0
      start = end
      if Terminal.errorIsTerminal {
        progress.show("importing", done: start - series.start, of: series.requests.count)
      }
    } while start < series.end
    progress.clear()
    return total
  }
}

/// Demand as a demand file.
enum DemandText {
  static func csv(_ series: DemandSeries, _ bins: Range<Int>) -> String {
    var text = DemandFile.header + "\n"
    for bin in bins {
      let time = RFC3339.format(seconds: Instant(bin: bin).seconds)
      text += "\(time),\(series[bin].map(String.init) ?? "")\n"
    }
    return text
  }
}
