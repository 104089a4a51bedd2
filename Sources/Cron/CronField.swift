/// The fields of a cron expression, in the order of the six-field form.
enum CronField: Int, CaseIterable {
  case second, minute, hour, dayOfMonth, month, dayOfWeek

  /// What the field is called in messages.
  var name: String {
    switch self {
    case .second: "second"
    case .minute: "minute"
    case .hour: "hour"
    case .dayOfMonth: "day of month"
    case .month: "month"
    case .dayOfWeek: "day of week"
    }
  }

  /// The numbers that may be written; Sunday is 0 and 7.
  var numbers: ClosedRange<Int> {
    self == .dayOfWeek ? 0...7 : distinctValues
  }

  /// The different values that the numbers stand for, which `*` covers.
  var distinctValues: ClosedRange<Int> {
    switch self {
    case .second, .minute: 0...59
    case .hour: 0...23
    case .dayOfMonth: 1...31
    case .month: 1...12
    case .dayOfWeek: 0...6
    }
  }

  /// True for the two fields that select days.
  var isDayField: Bool { self == .dayOfMonth || self == .dayOfWeek }

  /// The names of the values, the first for the lowest; empty where there are only numbers.
  var valueNames: [String] {
    switch self {
    case .month:
      ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
    case .dayOfWeek: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
    default: []
    }
  }

  /// The value of a name in capital letters, or nil.
  func value(named name: String) -> Int? {
    valueNames.firstIndex(of: name).map { $0 + distinctValues.lowerBound }
  }
}
