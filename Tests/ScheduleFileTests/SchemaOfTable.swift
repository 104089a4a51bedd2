@testable import ScheduleFile

/// The JSON Schema that the parser's table of keys amounts to.
enum SchemaOfTable {
  static func schema(of table: KeyTable) -> [String: Any] {
    var result: [String: Any] = ["type": "object", "additionalProperties": false]
    result["properties"] = Dictionary(
      uniqueKeysWithValues: table.keys.map { ($0.name, schema(of: $0)) })
    let required = table.keys.filter(\.isRequired).map(\.name)
    if !required.isEmpty {
      result["required"] = required
    }
    result["dependencies"] = dependencies(in: table)
    return result
  }

  /// What keys need others.
  private static func dependencies(in table: KeyTable) -> [String: Any]? {
    switch table.path {
    case "":
      ["producer": ["required": ["stock"], "properties": ["stock": ["required": ["target"]]]]]
    case "claims.webhook":
      [
        "url": [
          "anyOf": [
            ["properties": ["url": ["enum": ["none"]]]],
            ["required": ["secret"], "properties": ["secret": ["pattern": "^(?!none$)"]]],
          ]
        ]
      ]
    default: nil
    }
  }

  private static func schema(of key: Key) -> [String: Any] {
    var result = schema(of: key.kind)
    switch key.defaultValue {
    case .text(let text): result["default"] = text
    case .integer(let number): result["default"] = number
    case .boolean(let value): result["default"] = value
    case .emptyList:
      result["default"] = [String]()
      result["type"] = ["array", "null"]
    case .emptyMapping: result["default"] = [String: String]()
    case nil: break
    }
    return result
  }

  private static func schema(of kind: ValueKind) -> [String: Any] {
    switch kind {
    case .text(let rule): return schema(of: rule)
    case .boolean: return ["type": "boolean"]
    case .integer(let range):
      return ["type": "integer", "minimum": range.lowerBound, "maximum": range.upperBound]
    case .integerOrWord(let range, let words):
      return ["anyOf": [schema(of: ValueKind.integer(range)), ["enum": words]]]
    case .decimal(let range):
      return ["type": "number", "minimum": range.lowerBound, "maximum": range.upperBound]
    case .duration(let rule): return ["type": "string", "pattern": pattern(of: rule)]
    case .rate:
      let number = #"(?=[0-9.]*[1-9])[0-9]{1,9}(\.[0-9]{1,3})?"#
      return ["type": "string", "pattern": "^(unlimited|\(number)/[smhd])$"]
    case .word(let words): return ["enum": words]
    case .mapping(let table): return schema(of: table)
    case .list(let item, let count):
      var result: [String: Any] = ["type": "array", "items": schema(of: item)]
      result["maxItems"] = count.upperBound
      if count.lowerBound > 0 {
        result["minItems"] = count.lowerBound
      }
      return result
    case .variables(let rule):
      return [
        "type": "object", "propertyNames": ["pattern": "^(?!LARDER_)[A-Za-z_][A-Za-z0-9_]*$"],
        "additionalProperties": schema(of: rule),
      ]
    case .days(let count):
      return [
        "type": "object", "maxProperties": count.upperBound,
        "propertyNames": ["pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"],
        "additionalProperties": ["enum": Day.weekdays],
      ]
    }
  }

  private static func instant() -> String {
    let date = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
    let time = #"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"#
    return "^\(date)[Tt ]\(time)([Zz]|[+-][0-9]{2}:[0-9]{2})$"
  }

  private static func pattern(of rule: DurationRule) -> String {
    let sum = "([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?"
    return switch rule {
    case .any, .atMost: "^(?=.)\(sum)$"
    case .positive, .positiveAtMost: "^(?=.*[1-9])\(sum)$"
    case .positiveOrNone: "^(none|(?=.*[1-9])\(sum))$"
    }
  }

  /// Ports above 65535 and addresses such as `[:]` are the parser's alone to refuse.
  private static let webhookPattern: String = {
    let label = "[A-Za-z0-9_-]+"
    let host = #"(\[[0-9A-Fa-f:.]+\]|\#(label)(\.\#(label))*\.?)"#
    let tail = #"([/?]([A-Za-z0-9._~!$&'()*+,;=:@/?\[\]-]|%[0-9A-Fa-f]{2})*)?"#
    return "^(none|https?://\(host)(:[0-9]{1,5})?\(tail))$"
  }()

  private static func schema(of rule: TextRule) -> [String: Any] {
    // YAML readers make numbers and booleans of unquoted texts, which are texts all the same.
    let scalar = ["string", "number", "boolean"]
    return switch rule {
    case .cron, .zone: ["type": "string"]
    case .instant: ["type": "string", "pattern": instant()]
    case .poolName: ["type": scalar, "pattern": "^[a-z0-9][a-z0-9._-]{0,62}$"]
    case .scheduleName:
      [
        "type": scalar,
        "pattern": #"^[^\u0000-\u0020\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]{0,99}$"#,
      ]
    case .path: ["type": scalar, "pattern": #"^[^\u0000]+$"#]
    case .revision:
      ["type": scalar, "pattern": #"^[^\u0000]*$"#, "maxLength": FileLimits.revisionCharacters]
    case .webhook:
      [
        "type": "string", "maxLength": FileLimits.webhookURLBytes, "pattern": webhookPattern,
      ]
    case .free, .argument, .variable: ["type": scalar, "pattern": #"^[^\u0000]*$"#]
    }
  }
}
