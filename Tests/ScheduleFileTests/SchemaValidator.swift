import Foundation

/// As much of JSON Schema draft-07 as the schedule files' schema uses. A keyword that is not
/// known here is a fault of the test. Values are Swift's own: Bool, Int, Double, String, NSNull,
/// arrays and dictionaries by name.
struct SchemaValidator {
  private static let annotations: Set = ["$schema", "title", "description", "default"]

  /// Whether a JSON value is valid.
  func accepts(_ value: Any, _ schema: [String: Any]) -> Bool {
    schema.allSatisfy { keyword, rule in
      SchemaValidator.annotations.contains(keyword) || holds(keyword, rule, value, schema)
    }
  }

  private func holds(
    _ keyword: String, _ rule: Any, _ value: Any, _ schema: [String: Any]
  ) -> Bool {
    let object = value as? [String: Any]
    let array = value as? [Any]
    let string = value as? String
    switch keyword {
    case "type":
      return ((rule as? [String]) ?? [rule as! String]).contains { isType($0, value) }
    case "enum": return string.map((rule as! [String]).contains) ?? false
    case "anyOf": return (rule as! [[String: Any]]).contains { accepts(value, $0) }
    case "pattern":
      return string.map { matches(rule as! String, $0) } ?? true
    case "maxLength": return string.map { $0.unicodeScalars.count <= rule as! Int } ?? true
    case "minimum": return number(value).map { $0 >= (rule as! NSNumber).doubleValue } ?? true
    case "maximum": return number(value).map { $0 <= (rule as! NSNumber).doubleValue } ?? true
    case "minItems": return array.map { $0.count >= rule as! Int } ?? true
    case "maxItems": return array.map { $0.count <= rule as! Int } ?? true
    case "items": return array.map { $0.allSatisfy { accepts($0, rule as! [String: Any]) } } ?? true
    case "required":
      return object.map { o in (rule as! [String]).allSatisfy { o[$0] != nil } } ?? true
    case "maxProperties": return object.map { $0.count <= rule as! Int } ?? true
    case "propertyNames":
      return object.map { $0.keys.allSatisfy { accepts($0, rule as! [String: Any]) } } ?? true
    case "properties":
      let properties = rule as! [String: [String: Any]]
      return object.map { o in properties.allSatisfy { k, s in o[k].map { accepts($0, s) } ?? true }
      }
        ?? true
    case "additionalProperties":
      let known = Set((schema["properties"] as? [String: Any] ?? [:]).keys)
      let others = (object ?? [:]).filter { !known.contains($0.key) }
      guard let rule = rule as? [String: Any] else { return others.isEmpty || rule as! Bool }
      return others.values.allSatisfy { accepts($0, rule) }
    case "dependencies":
      let rules = rule as! [String: [String: Any]]
      return object.map { o in rules.allSatisfy { k, s in o[k] == nil || accepts(o, s) } } ?? true
    default: fatalError("the validator does not know the keyword \(keyword)")
    }
  }

  private func number(_ value: Any) -> Double? {
    (value as? Int).map(Double.init) ?? (value as? Double)
  }

  private func isType(_ type: String, _ value: Any) -> Bool {
    switch type {
    case "object": value is [String: Any]
    case "array": value is [Any]
    case "string": value is String
    case "boolean": value is Bool
    case "number": number(value) != nil
    case "integer": number(value).map { $0 == $0.rounded() } ?? false
    case "null": value is NSNull
    default: fatalError("no such type: \(type)")
    }
  }

  private func matches(_ pattern: String, _ text: String) -> Bool {
    let expression = try! NSRegularExpression(pattern: pattern)
    let whole = NSRange(text.startIndex..., in: text)
    return expression.firstMatch(in: text, range: whole) != nil
  }
}
