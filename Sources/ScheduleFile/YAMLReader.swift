import CYAML

/// Reads one YAML document into nodes, by libyaml's events. What a schedule file has no use for
/// (aliases, anchors, tags, more documents, deep nesting) is refused here.
struct YAMLReader {
  let source: SourceText
  private(set) var findings: [Finding] = []
  /// Whether reading stopped before the end, so that what stands after it was never seen.
  private(set) var isCutShort = false
  /// Where what was read for certain ends: inside of brackets that are not closed anything may
  /// have been taken for something else.
  private(set) var end = Int.max

  /// A list or mapping that is still open. Of a mapping the children are keys and values in turn.
  private struct Frame {
    var isMapping: Bool
    var isFlow: Bool
    var range: Range<Int>
    var children: [YAMLNode] = []
  }

  private var open: [Frame] = []
  private var root: YAMLNode?
  private var documents = 0

  init(source: SourceText) {
    self.source = source
  }

  /// The document's root; after a syntax error what could be read before it. Nil: there is none.
  mutating func read(_ bytes: ArraySlice<UInt8>) -> YAMLNode? {
    guard !bytes.isEmpty else { return nil }
    // libyaml keeps a pointer into its parser, which therefore must not move.
    let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    defer { parser.deallocate() }
    guard yaml_parser_initialize(parser) == 1 else {
      findings.append(Finding(range: 0..<1, message: "there is no memory left to read the file"))
      return nil
    }
    defer { yaml_parser_delete(parser) }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    bytes.withUnsafeBufferPointer { buffer in
      yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
      while step(parser) {}
    }
    while !open.isEmpty {
      close(at: nil)
    }
    return root
  }

  /// Takes one event; false after the last one.
  private mutating func step(_ parser: UnsafeMutablePointer<yaml_parser_t>) -> Bool {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else {
      let bracket = open.last(where: \.isFlow)?.range.lowerBound
      findings.append(YAMLProblem(parser).finding(in: source, openBracket: bracket))
      cutShort()
      return false
    }
    defer { yaml_event_delete(&event) }
    let range = Int(event.start_mark.index)..<Int(event.end_mark.index)
    switch event.type {
    case YAML_STREAM_END_EVENT:
      return false
    case YAML_DOCUMENT_START_EVENT:
      return startDocument(range)
    case YAML_ALIAS_EVENT:
      refuseAlias(range)
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      refuse(anchor: scalar.anchor, tag: scalar.tag, at: range)
      add(YAMLNode(range: range, content: YAMLReader.content(of: event)))
    case YAML_SEQUENCE_START_EVENT:
      let list = event.data.sequence_start
      refuse(anchor: list.anchor, tag: list.tag, at: range)
      let isFlow = list.style == YAML_FLOW_SEQUENCE_STYLE
      return push(Frame(isMapping: false, isFlow: isFlow, range: range))
    case YAML_MAPPING_START_EVENT:
      let mapping = event.data.mapping_start
      refuse(anchor: mapping.anchor, tag: mapping.tag, at: range)
      let isFlow = mapping.style == YAML_FLOW_MAPPING_STYLE
      return push(Frame(isMapping: true, isFlow: isFlow, range: range))
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
      close(at: range.upperBound > range.lowerBound ? range.upperBound : nil)
    default:
      break
    }
    return true
  }

  private static func content(of event: yaml_event_t) -> YAMLNode.Content {
    let scalar = event.data.scalar
    let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
    let style: YAMLNode.Style =
      switch scalar.style {
      case YAML_SINGLE_QUOTED_SCALAR_STYLE, YAML_DOUBLE_QUOTED_SCALAR_STYLE: .quoted
      case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE: .block
      default: .plain
      }
    return .scalar(String(decoding: bytes, as: UTF8.self), style)
  }

  private mutating func startDocument(_ range: Range<Int>) -> Bool {
    documents += 1
    guard documents > 1 else { return true }
    findings.append(
      Finding(
        range: range, message: "a schedule file is one YAML document, and here a second one starts",
        hint: "one file declares one pool: put the rest into a file of its own"))
    return false
  }

  private mutating func push(_ frame: Frame) -> Bool {
    open.append(frame)
    guard open.count > FileLimits.depth else { return true }
    cutShort()
    findings.append(
      Finding(
        range: frame.range,
        message: "lists and mappings stand more than \(FileLimits.depth) deep in each other",
        hint: "no key of a schedule file needs more than 4"))
    return false
  }

  /// Ends the innermost list or mapping, where a bracket closes it: at its place.
  private mutating func close(at end: Int?) {
    guard let frame = open.popLast() else { return }
    let range = frame.range.lowerBound..<(end ?? frame.range.lowerBound + 1)
    guard frame.isMapping else {
      return add(YAMLNode(range: range, content: .sequence(frame.children)))
    }
    let entries = stride(from: 0, to: frame.children.count - 1, by: 2).map {
      (key: frame.children[$0], value: frame.children[$0 + 1])
    }
    add(YAMLNode(range: range, content: .mapping(entries)))
  }

  private mutating func add(_ node: YAMLNode) {
    if open.isEmpty {
      root = root ?? node
    } else {
      open[open.count - 1].children.append(node)
    }
  }

  private mutating func cutShort() {
    isCutShort = true
    end = open.first(where: \.isFlow)?.range.lowerBound ?? end
  }

  private mutating func refuseAlias(_ range: Range<Int>) {
    findings.append(YAMLProblem.alias(range, in: source))
    add(YAMLNode(range: range, content: .refused))
  }

  private mutating func refuse(
    anchor: UnsafeMutablePointer<UInt8>?, tag: UnsafeMutablePointer<UInt8>?, at range: Range<Int>
  ) {
    if anchor != nil {
      findings.append(YAMLProblem.anchor(range))
    }
    if tag != nil {
      findings.append(YAMLProblem.tag(range))
    }
  }
}
