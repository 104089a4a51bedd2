package struct CronError: Error, Sendable, Equatable {
  package let message: String
  package let hint: String?
  package let offset: Int?
  package let length: Int
}
package struct ZoneError: Error, Sendable, Equatable {
  package let message: String
  package let hint: String?
}
package struct CronExpression: Sendable, Hashable {
  package let source: String
  package let warnings: [String]
  package static func parse(_ text: String) throws(CronError) -> CronExpression {
    CronExpression(source: text, warnings: [])
  }
  package func next(after: Int64, in zone: Zone) -> Int64? { after + 60 }
  package func missed(after: Int64, through: Int64, in zone: Zone, limit: Int) -> MissedTimes {
    MissedTimes(newest: [], count: 0, countIsExact: true)
  }
}
package struct MissedTimes: Sendable, Equatable {
  package let newest: [Int64]
  package let count: Int
  package let countIsExact: Bool
}
package struct Zone: Sendable {
  package let name: String
  package static let utc = Zone(name: "UTC")
  package static func load(_ name: String) throws(ZoneError) -> Zone { Zone(name: name) }
}
