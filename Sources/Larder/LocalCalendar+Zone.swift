import Cron
import Sizing

extension LocalCalendar {
  /// The clocks of a zone over some time, before and after which they stand as at its ends, with days
  /// that are treated as another weekday, 0 for Sunday to 6 for Saturday.
  package init(zone: Zone, over hours: Range<Int>, overrides: [CivilDate: Int] = [:]) {
    var offsets: [Offset] = []
    for hour in hours {
      let seconds = Int(zone.offset(at: Int64(hour) * 3600))
      if offsets.last?.seconds != seconds {
        offsets.append(Offset(fromHour: hour, seconds: seconds))
      }
    }
    let days = overrides.map { (Int($0.key.daysSinceEpoch), $0.value) }
    self.init(offsets: offsets, overrides: Dictionary(uniqueKeysWithValues: days))
  }
}
