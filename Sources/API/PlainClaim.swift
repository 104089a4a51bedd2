import HTTPServer
import Larder

/// A usual call of `POST /v1/pools/{pool}/claims`, read from its bytes, with no lists of segments, fields
/// and members in between: no other call comes as often.
///
/// Nil is whatever is not usual, be it an escape, a byte that is not ASCII or a mistake: that is for
/// `API.claimRequest`, which reads every call and says what is wrong with it. What is read here is read
/// there as the same.
enum PlainClaim {
  static func request(of call: HTTPRequest) -> ClaimRequest? {
    guard call.method == "POST", let pool = call.withTarget(pool), let header = header(of: call)
    else { return nil }
    return call.body.withUnsafeBufferPointer { members(of: $0, pool: pool, key: header.key) }
  }

  /// The pool that a target without a query and percent-encoding names.
  private static func pool(_ target: UnsafeBufferPointer<UInt8>) -> String? {
    let (start, end): (StaticString, StaticString) = ("/v1/pools/", "/claims")
    guard target.count > start.utf8CodeUnitCount + end.utf8CodeUnitCount else { return nil }
    let name = start.utf8CodeUnitCount..<(target.count - end.utf8CodeUnitCount)
    guard
      isSame(UnsafeBufferPointer(rebasing: target[..<name.lowerBound]), start),
      isSame(UnsafeBufferPointer(rebasing: target[name.upperBound...]), end)
    else { return nil }
    for byte in target[name] {
      switch byte {
      case 0, UInt8(ascii: "/"), UInt8(ascii: "%"), UInt8(ascii: "?"), 0x80...: return nil
      default: break
      }
    }
    return String(decoding: UnsafeBufferPointer(rebasing: target[name]), as: UTF8.self)
  }

  // MARK: - The header

  private struct Header {
    var key: String?
  }

  /// What the header says of the body and the key.
  private static func header(of call: HTTPRequest) -> Header? {
    #if MUTANTS
      if call.header(Mutant.principalField) != nil { return nil }
    #endif
    var header = Header()
    var isPlain = true
    call.forEachField { name, value in
      switch name.count {
      case 12 where isSame(name, "content-type", inAnyCase: true):
        isPlain = isSame(value, "application/json")
      case 15 where isSame(name, "idempotency-key", inAnyCase: true):
        isPlain = header.key == nil
        header.key = key(value)
        if header.key == nil { isPlain = false }
      case 16 where isSame(name, "content-encoding", inAnyCase: true): isPlain = false
      default: break
      }
      return isPlain
    }
    return isPlain ? header : nil
  }

  /// A key in quotes or bare.
  private static func key(_ field: UnsafeBufferPointer<UInt8>) -> String? {
    let quote = UInt8(ascii: "\"")
    let isQuoted = field.count > 1 && field.first == quote && field.last == quote
    let key = isQuoted ? UnsafeBufferPointer(rebasing: field[1..<(field.count - 1)]) : field
    guard (1...Limits.idempotencyKeyBytes).contains(key.count),
      key.allSatisfy({ $0 < 0x80 && $0 != quote && $0 != UInt8(ascii: "\\") })
    else { return nil }
    return String(decoding: key, as: UTF8.self)
  }

  // MARK: - The body

  /// The request that a flat object of strings and numbers makes.
  private static func members(
    of bytes: UnsafeBufferPointer<UInt8>, pool: String, key: String?
  ) -> ClaimRequest? {
    var reader = Reader(bytes: bytes)
    var user: UnsafeBufferPointer<UInt8>?
    var count: Int?
    var hold: Duration?
    var minRemaining: Duration?
    var onMiss: ClaimPolicy.OnMiss?
    guard reader.takes(UInt8(ascii: "{")) else { return nil }
    repeat {
      guard let name = reader.string(), reader.takes(UInt8(ascii: ":")) else { return nil }
      // A member that stands twice is not nil the second time.
      if user == nil, isSame(name, "user") {
        guard let text = reader.string(), (1...Limits.userBytes).contains(text.count) else {
          return nil
        }
        user = text
      } else if count == nil, isSame(name, "count") {
        guard let number = reader.number(), Limits.claimCount.contains(number) else { return nil }
        count = number
      } else if hold == nil, isSame(name, "hold") {
        guard let span = reader.text().flatMap(DurationText.parse), span > .zero else { return nil }
        hold = span
      } else if minRemaining == nil, isSame(name, "min_remaining") {
        guard let span = reader.text().flatMap(DurationText.parse) else { return nil }
        minRemaining = span
      } else if onMiss == nil, isSame(name, "on_miss") {
        guard let word = reader.text().flatMap(ClaimPolicy.OnMiss.init(rawValue:)) else {
          return nil
        }
        onMiss = word
      } else {
        return nil
      }
    } while reader.takes(UInt8(ascii: ","))
    guard let user, reader.takes(UInt8(ascii: "}")), reader.isAtEnd else { return nil }
    return ClaimRequest(
      pool: pool, user: String(decoding: user, as: UTF8.self), key: key, count: count ?? 1,
      hold: hold,
      minRemaining: minRemaining, onMiss: onMiss)
  }

  /// Goes through a JSON text that has blanks only where JSON lets them stand.
  private struct Reader {
    let bytes: UnsafeBufferPointer<UInt8>
    var at = 0

    private mutating func skipBlanks() {
      while at < bytes.count,
        bytes[at] == 0x20 || bytes[at] == 0x0A || bytes[at] == 0x0D || bytes[at] == 0x09
      {
        at += 1
      }
    }

    /// Whether nothing but blanks is left.
    var isAtEnd: Bool {
      mutating get {
        skipBlanks()
        return at == bytes.count
      }
    }

    /// Takes a sign if it is the next one.
    mutating func takes(_ sign: UInt8) -> Bool {
      skipBlanks()
      guard at < bytes.count, bytes[at] == sign else { return false }
      at += 1
      return true
    }

    /// What stands between the quotes of a string of ASCII without escapes.
    mutating func string() -> UnsafeBufferPointer<UInt8>? {
      guard takes(UInt8(ascii: "\"")) else { return nil }
      let start = at
      while at < bytes.count {
        switch bytes[at] {
        case UInt8(ascii: "\""):
          at += 1
          return UnsafeBufferPointer(rebasing: bytes[start..<(at - 1)])
        case 0..<0x20, UInt8(ascii: "\\"), 0x80...: return nil
        default: at += 1
        }
      }
      return nil
    }

    mutating func text() -> String? {
      string().map { String(decoding: $0, as: UTF8.self) }
    }

    /// A whole number of up to nine digits, above 0.
    mutating func number() -> Int? {
      skipBlanks()
      let start = at
      var number = 0
      while at < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[at]) {
        guard number > 0 || bytes[at] != UInt8(ascii: "0"), at - start < 9 else { return nil }
        number = number * 10 + Int(bytes[at] - UInt8(ascii: "0"))
        at += 1
      }
      return at > start ? number : nil
    }
  }

  /// Whether bytes are those of a text, which is in lower case if theirs may be any.
  private static func isSame(
    _ bytes: UnsafeBufferPointer<UInt8>, _ text: StaticString, inAnyCase: Bool = false
  ) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    var differs: UInt8 = 0
    for index in 0..<bytes.count {
      let byte = bytes[index]
      // In the name of a field, the only bytes that this makes the same are the cases of a letter.
      differs |= (inAnyCase ? byte | 0x20 : byte) ^ text.utf8Start[index]
    }
    return differs == 0
  }
}
