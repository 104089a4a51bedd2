import Cron
import Testing

struct ZoneTests {
  @Test(arguments: [
    ("UTC", "2027-01-01T00:00:00Z", 0), ("Etc/GMT+5", "2027-01-01T00:00:00Z", -18_000),
    ("America/New_York", "2040-03-11T06:59:59Z", -18_000),
    ("America/New_York", "2040-03-11T07:00:00Z", -14_400),
    ("America/New_York", "2427-11-07T05:59:59Z", -14_400),
    ("America/New_York", "2427-11-07T06:00:00Z", -18_000),
    ("Europe/Berlin", "2100-03-28T00:59:59Z", 3_600),
    ("Europe/Berlin", "2100-03-28T01:00:00Z", 7_200),
    ("Australia/Lord_Howe", "2050-04-02T14:59:59Z", 39_600),
    ("Australia/Lord_Howe", "2050-04-02T15:00:00Z", 37_800),
    ("America/Nuuk", "2045-03-26T00:59:59Z", -7_200),
    ("America/Nuuk", "2045-03-26T01:00:00Z", -3_600),
    ("Pacific/Apia", "2011-12-30T09:59:59Z", -36_000),
    ("Pacific/Apia", "2011-12-30T10:00:00Z", 50_400),
    ("Asia/Kathmandu", "2060-01-01T00:00:00Z", 20_700),
    ("Asia/Kathmandu", "1985-12-31T18:29:59Z", 19_800),
    ("Europe/Dublin", "2045-07-01T00:00:00Z", 3_600),
    ("Europe/Dublin", "2045-12-01T00:00:00Z", 0),
    ("Asia/Jerusalem", "2045-03-23T23:59:59Z", 7_200),
    ("Asia/Jerusalem", "2045-03-24T00:00:00Z", 10_800),
    ("Europe/Berlin", "1800-01-01T00:00:00Z", 3_208),
    ("Pacific/Chatham", "2500-01-01T00:00:00Z", 49_500),
  ])
  func knowsOffsets(_ name: String, _ at: String, _ offset: Int64) throws {
    #expect(try Zone.load(name).offset(at: instant(at)) == offset)
  }

  @Test func anyInstantHasAnOffset() throws {
    for name in oddZones {
      let zone = try Zone.load(name)
      for instant in [Int64.min, SupportedInstants.earliest, SupportedInstants.latest, .max] {
        #expect((-90_000...94_000).contains(zone.offset(at: instant)))
      }
    }
  }

  @Test(arguments: [
    "", ".", "..", "../../../etc/passwd", "/usr/share/zoneinfo/Europe/Berlin", "Europe/../UTC",
    "Europe", "Europe/", "/UTC", "Europe//Berlin", "zone.tab", "tzdata.zi", "leapseconds",
    "posix/Europe/Berlin", "right/Europe/Berlin", "localtime", "posixrules", "europe/berlin",
    "EUROPE/BERLIN", "GMT+5", "UTC+2", "Europe/Berlin\0", "Europe/Berlin ", ":Europe/Berlin",
    "EST5EDT,M3.2.0,M11.1.0", "Mars/Base", "Europe/Bérlin", String(repeating: "A", count: 100_000),
  ])
  func refuses(_ name: String) throws {
    let error = try #require(zoneError(name))
    #expect(!error.message.isEmpty)
    #expect(error.message.count < 300)
  }

  @Test(arguments: [
    ("Europe/Berln", "Europe/Berlin"), ("europe/berlin", "Europe/Berlin"),
    ("Berlin", "Europe/Berlin"), ("Londn", "Europe/London"), ("PST", "PST8PDT"),
    ("America/NewYork", "America/New_York"),
    ("America/New York", "America/New_York"), ("Amercia/Chicago", "America/Chicago"),
    ("US/Chicago", "America/Chicago"), ("posix/Europe/Paris", "Europe/Paris"),
    ("America/Buenos_Aires ", "America/Buenos_Aires"), ("utc", "UTC"), ("GMT+5", "Etc/GMT-5"),
    ("UTC-03:00", "Etc/GMT+3"), ("Mars/Base", "IANA name"), ("", "IANA name"),
  ])
  func hintsAtTheNearest(_ name: String, _ part: String) throws {
    let hint = try #require(zoneError(name)?.hint)
    #expect(hint.contains(part), "\(hint)")
  }

  @Test func loadingAgainGivesTheSame() throws {
    let zone = try Zone.load("Europe/Berlin")
    #expect(try Zone.load("Europe/Berlin") == zone)
    #expect(zone.name == "Europe/Berlin")
    #expect(try Zone.load("UTC") == .utc)
  }
}
