import Foundation
import Testing

@testable import ScheduleFile

@Suite struct SchemaTests {
  private let schema: [String: Any]
  private let validator = SchemaValidator()

  init() throws {
    let file = Data.sources.appending(path: "../../Schedules/schedule.schema.json")
    schema = try #require(
      JSONSerialization.jsonObject(with: Foundation.Data(contentsOf: file)) as? [String: Any])
  }

  /// Keys, kinds, enums, defaults, bounds, patterns: all of the schema but its words is what the
  /// parser's table says.
  @Test func theSchemaSaysWhatTheParsersTableSays() throws {
    let expected = SchemaOfTable.schema(of: ScheduleKeys.file)
    #expect(try canonical(withoutWords(schema)) == canonical(expected))
  }

  @Test func theSchemaIsDraft7AndDescribesEveryKey() throws {
    #expect(schema["$schema"] as? String == "http://json-schema.org/draft-07/schema#")
    var keys = 0
    func walk(_ schema: [String: Any], _ path: String) {
      for (name, value) in schema["properties"] as? [String: [String: Any]] ?? [:] {
        keys += 1
        #expect((value["description"] as? String ?? "").count > 10, "\(path).\(name)")
        walk(value, "\(path).\(name)")
        walk(value["items"] as? [String: Any] ?? [:], "\(path).\(name)")
      }
    }
    walk(schema, "")
    #expect(keys == ScheduleKeys.tables.map(\.keys.count).reduce(0, +))
  }

  @Test func aFileOfAllDefaultsIsTheFileWithoutThem() throws {
    let written = ScheduleKeys.tables.filter { !$0.path.isEmpty }
    #expect(written.count == 10)
    let head = "command: [make]\n"
    let sparse = Data.parse(
      "pool: p\nproducer: {command: [make]}\nstock: {target: 1}\nschedules: [{cron: '@daily'}]\n")
    let full = Data.parse(
      """
      pool: p
      \(defaults(ScheduleKeys.file, 0))
      producer:
        \(head)\(defaults(ScheduleKeys.producer, 2))
        retry:
      \(defaults(ScheduleKeys.retry, 4))
        breaker:
      \(defaults(ScheduleKeys.breaker, 4))
      stock:
        target: 1
      \(defaults(ScheduleKeys.stock, 2))
      schedules:
        - cron: "@daily"
      \(defaults(ScheduleKeys.schedule, 4))
      demand:
      \(defaults(ScheduleKeys.demand, 2))
      claims:
      \(defaults(ScheduleKeys.claims, 2))
        backorder:
      \(defaults(ScheduleKeys.backorder, 4))
        webhook:
      \(defaults(ScheduleKeys.webhook, 4))
      """)
    #expect(full.diagnostics == [])
    #expect(sparse.diagnostics == [])
    #expect(String(describing: full.pool) == String(describing: sparse.pool))
  }

  /// The keys of a table that have a default, with it, indented; not the list that a test fills.
  private func defaults(_ table: KeyTable, _ indent: Int) -> String {
    table.keys.compactMap { key in
      guard let value = key.defaultValue, key.name != "schedules" else { return nil }
      return String(repeating: " ", count: indent) + "\(key.name): \(value.written)"
    }.joined(separator: "\n")
  }

  @Test(arguments: Data.names("good"))
  func theSchemaAcceptsGoodFiles(_ name: String) throws {
    let bytes = Data.bytes("good/\(name).yaml")
    #expect(validator.accepts(try instance(bytes), schema))
  }

  /// What no schema can say: YAML's own rules, comparisons between keys, calendars, spellings.
  private static let beyondSchema: Set = [
    "anchor", "tag", "two-documents", "duplicate-key",
    "duplicate-key-quoted", "reorder-above-target", "max-below-target",
    "target-above-default-max", "schedule-target-above-max", "backoff-above-max",
    "command-no-program", "command-folder", "command-home", "cron-bad-field",
    "cron-inverted-range", "cron-plain", "cron-escaped", "cron-folded", "cron-field-count",
    "cron-impossible", "zone-unknown", "jitter-too-long", "reorder-above-max",
    "reorder-above-default-max", "claims-too-long", "webhook-port",
    "demand-calendar",
  ]

  @Test(arguments: Data.names("bad"))
  func theSchemaRefusesBadFilesWhereItCan(_ name: String) throws {
    let bytes = Data.bytes("bad/\(name).yaml")
    guard let instance = try? instance(bytes) else { return }
    let isGood = name.hasPrefix("warn-") || SchemaTests.beyondSchema.contains(name)
    #expect(validator.accepts(instance, schema) == isGood)
  }

  /// One entry, in a file that is good without it: parser and schema say the same.
  @Test(arguments: [
    "description: 5", "description: null", "description: [a]", "suspend: true", "suspend: 1",
    "producer: {command: [a, 1, true]}", "producer: {command: [a, null]}", "producer: []",
    "producer: {command: a}", "producer: {command: [a], slice: 1}",
    "producer: {command: [a], slice: 2001}", "producer: {command: [a], timeout: 0s}",
    "producer: {command: [a], timeout: 1d1h1m1s1ms}", "producer: {command: [a], timeout: 1m1h}",
    "producer: {command: [a], timeout: 5}", "producer: {command: [a], rate: 0.001/s}",
    "producer: {command: [a], rate: 0.0001/s}", "producer: {command: [a], rate: 0.0/d}",
    "producer: {command: [a], rate: 1000000000/s}", "producer: {command: [a], rate: 1/w}",
    "producer: {command: [a], environment: {A: 1}}", "producer: {command: [a], secrets: {A: ''}}",
    "producer: {command: [a], environment: {LARDER_X: a}}",
    "producer: {command: [a], environment: {LARDER: a}}",
    "producer: {command: [a], environment: {a-b: a}}",
    "producer: {command: [a], retry: {backoff: 0s}}", "producer: {command: [a], output: lines}",
    "producer: {command: [a], output: Lines}", "producer: {command: [a], breaker: {failures: 0}}",
    "schedules:", "schedules: {}", "schedules: [{}]", "schedules: [{cron: '@daily', jitter: 0m}]",
    "schedules: [{cron: '@daily', jitter: 1m}]", "schedules: [{cron: '@daily', name: ' a'}]",
    "schedules: [{cron: '@daily', name: a b}]", "schedules: [{cron: '@daily', name: ''}]",
    "schedules: [{cron: '@daily', jitter: 24h}]", "schedules: [{cron: '@daily', jitter: none}]",
    "schedules: [{cron: '@daily', overlap: queue}]",
    "schedules: [{cron: '@daily', overlap: replace}]",
    "schedules: [{cron: '@daily', overlap: allow}]",
    "schedules: [{cron: '@daily', target: auto}]", "schedules: [{cron: '@daily', target: 0}]",
    "stock: {target: all}", "stock: {target: 'all'}", "stock: {target: auto}",
    "stock: {target: All}", "stock: {target: '1'}", "stock: {target: -1}", "stock: {target: 1.5}",
    "stock: {target: [all]}", "stock: {target: true}", "stock: {target: }",
    "stock: {max: all}", "stock: {target: auto, sizing: forecast_only, min: 3}",
    "stock: {target: auto, sizing: never}", "stock: {target: auto, min: -1}",
    "stock: {reorder_at: all}", "stock: {duplicates: replace}",
    "stock: {duplicates: renew}", "stock: {on_revision: replace}", "stock: {on_revision: recall}",
    "schedules: [{cron: '@daily', target: all}]",
    "schedules: [{cron: 5}]", "schedules: [{cron: '@daily', timezone: 5}]",
    "claims: {hold: 0s}", "claims: {hold: none}", "claims: {per_user: 0}",
    "claims: {per_user: -1}", "claims: {on_miss: backorder}", "claims: {webhook: {url: none}}",
    "claims: {webhook: {url: here}}", "claims: {backorder: {timeout: 0s}}", "claims:",
    "claims: {backorder: {timeout: 30d}}", "claims: {backorder: {timeout: none}}",
    "claims: {on_miss: wait}", "claims: {on_release: restock}", "claims: {on_release: keep}",
    "claims: {hold: 30d}", "claims: {webhook: {secret: a}}", "claims: {webhook: {secret: none}}",
    "claims: {webhook: {url: none, secret: none}}", "claims: {webhook: {url: 5, secret: a}}",
    "claims: {webhook: {url: true, secret: a}}", "claims: {webhook: {url: , secret: a}}",
    "claims: {webhook: {url: 'https://a'}}", "claims: {webhook: {url: 'https://a', secret: none}}",
    "claims: {webhook: {url: 'https://a', secret: ''}}",
    "claims: {webhook: {url: 'https://a', secret: nones}}",
    "demand:", "demand: {}", "demand: {exclude: }", "demand: {exclude: {}}",
    "demand: {exclude: [{}]}",
    "demand: {exclude: [{from: 2026-03-01T08:00:00Z}]}",
    "demand: {exclude: [{from: 2026-03-01T08:00:00Z, to: '2026-03-01 10:00:00.5+01:00'}]}",
    "demand: {exclude: [{from: 2026-03-01T08:00Z, to: 2026-03-02T08:00:00Z}]}",
    "demand: {exclude: [{from: 2026-03-01T08:00:00Z, to: 5}]}", "demand: {days: }",
    "demand: {days: []}", "demand: {days: {}}", "demand: {days: {2026-12-24: sunday}}",
    "demand: {days: {'2026-12-24': Sunday}}", "demand: {days: {2026-12-24: 0}}",
    "demand: {days: {24.12.2026: sunday}}", "demand: {days: {2026-12-24: }}",
    "nonsense: 1",
  ])
  func parserAndSchemaAgree(_ entry: String) throws {
    let stock = entry.hasPrefix("stock:") ? "" : "stock: {target: 1}\n"
    let text = "pool: p\n\(stock)\(entry)\n"
    let accepted = !Data.parse(text).diagnostics.contains { $0.severity == .error }
    #expect(validator.accepts(try instance(Array(text.utf8)), schema) == accepted)
  }

  @Test(arguments: WebhookTests.addresses + WebhookTests.noAddresses)
  func parserAndSchemaAgreeAboutAddresses(_ address: String) throws {
    let text = WebhookTests.file(address)
    let accepted = Data.parse(text).pool != nil
    #expect(validator.accepts(try instance(Array(text.utf8)), schema) == accepted)
  }

  // MARK: Help

  private struct NotYAML: Error {}

  /// A file as the values that editors hold against the schema.
  private func instance(_ bytes: [UInt8]) throws -> Any {
    let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
    let source = SourceText(file: "", bytes: content)
    guard Encoding.problem(source) == nil else { throw NotYAML() }
    var reader = YAMLReader(source: source)
    guard let root = reader.read(content), !reader.isCutShort else { throw NotYAML() }
    return value(root)
  }

  private func value(_ node: YAMLNode) -> Any {
    switch node.content {
    case .scalar(let text, .plain):
      if node.isNull { return NSNull() }
      if let number = Int(text), text.first != "+" { return number }
      if let number = Double(text) { return number }
      return ["true": true, "false": false][text] ?? text
    case .scalar(let text, _): return text
    case .sequence(let nodes): return nodes.map(value)
    case .mapping(let entries):
      return Dictionary(
        entries.map { (key($0.key), value($0.value)) }, uniquingKeysWith: { first, _ in first })
    case .refused: return ""
    }
  }

  private func key(_ node: YAMLNode) -> String {
    if case .scalar(let text, _) = node.content { text } else { "?" }
  }

  private func withoutWords(_ schema: Any) -> Any {
    if let list = schema as? [Any] { return list.map(withoutWords) }
    guard let object = schema as? [String: Any] else { return schema }
    // A key may be called `description` too: then it is a schema, not a text.
    return object.filter {
      !["$schema", "title", "description"].contains($0.key) || !($0.value is String)
    }.mapValues(withoutWords)
  }

  private func canonical(_ value: Any) throws -> String {
    String(
      decoding: try JSONSerialization.data(
        withJSONObject: value, options: [.sortedKeys, .prettyPrinted]), as: UTF8.self)
  }
}
