import Larder

func checkText(_ bytes: [UInt8]) throws(Broken) {
  let text = String(decoding: bytes, as: UTF8.self)
  try checkDuration(text)
  try checkTime(text)
  try checkNumber(text)
  try checkString(text)
  try checkJSON(bytes)
}

private func checkDuration(_ text: String) throws(Broken) {
  guard let duration = DurationText.parse(text) else { return }
  let written = DurationText.format(duration)
  try require(DurationText.parse(written) == duration, "\(written) is another duration")
  let rough = DurationText.rough(duration)
  try require(
    DurationText.parse(rough).map { $0 <= duration } == true, "\(rough) is none, or longer")
}

private func checkTime(_ text: String) throws(Broken) {
  guard let instant = RFC3339.parse(text) else { return }
  let written = RFC3339.format(instant)
  let again = RFC3339.parse(written)
  try require(again != nil, "\(written) is no time")
  // An offset may bring about a time that cannot be written.
  let isWritable = (2...9998).contains(Int(text.prefix(4)) ?? 0)
  try require(!isWritable || again == instant, "\(written) is another time")
}

private func checkNumber(_ text: String) throws(Broken) {
  guard let value = AttributeValue(number: text) else { return }
  let match = Match(["n": value])
  var written = match.text
  let members = written.withUTF8 { try? JSONReader.members(of: $0) }
  guard let number = members?.first?.value, number.kind == .number else {
    throw Broken(description: "\(written) holds no number")
  }
  let again = AttributeValue(
    number: String(decoding: Array(written.utf8)[number.range], as: UTF8.self))
  try require(again == value, "\(written) is another number")
}

private func checkString(_ text: String) throws(Broken) {
  let literal = JSONWriter.text { $0.string(text) }
  let again = literal.withUnsafeBufferPointer { buffer in
    (try? JSONReader.value(of: buffer)).flatMap { JSONReader.string($0, of: buffer) }
  }
  try require(again.map { Array($0.utf8) } == Array(text.utf8), "the string is read as another")
}

/// The parts of a JSON text must be JSON themselves, and the text must be readable as what it is.
private func checkJSON(_ bytes: [UInt8]) throws(Broken) {
  let whole = bytes.withUnsafeBufferPointer { try? JSONReader.value(of: $0) }
  let members = bytes.withUnsafeBufferPointer { try? JSONReader.members(of: $0) }
  let elements = bytes.withUnsafeBufferPointer { try? JSONReader.elements(of: $0) }
  try require(members == nil || whole?.kind == .object, "members of no object")
  try require((elements != nil) == (whole?.kind == .array), "elements of no array, or none of one")
  for value in (members ?? []).map(\.value) + (elements ?? []) {
    let part = Array(bytes[value.range])
    let again = part.withUnsafeBufferPointer { try? JSONReader.value(of: $0) }
    try require(
      again?.kind == value.kind && again?.range == 0..<part.count, "a part is another value")
  }
}
