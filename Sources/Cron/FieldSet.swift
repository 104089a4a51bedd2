/// What one field of an expression selects.
struct FieldSet {
  /// Bit n: value n; Sunday is 0.
  var values: UInt64 = 0
  /// True if the field's text starts with `*`, or is `?`.
  var startsWithStar = false
  /// True if it starts with a star that has a step.
  var startsWithSteppedStar = false
  /// What `L` and `W` select; only for the day of month.
  var monthDays = DaySet.MonthDays()
  /// What `#` and `L` select; only for the day of week.
  var weekDays = DaySet.WeekDays()
}
