import Larder

extension PoolBuilder {
  /// The producer; nil where its command is missing or wrong.
  mutating func producer(_ fields: Fields) -> ProducerSpec? {
    let (environment, secrets) = variables(fields)
    let retry = self.retry(fields.mapping("retry"))
    let breaker = self.breaker(fields.mapping("breaker"))
    guard var spec = command(fields["command"]) else { return nil }
    spec.output = fields.text("output").flatMap(ProducerSpec.Output.init) ?? spec.output
    spec.environment = environment
    spec.secrets = secrets
    spec.slice = fields.integer("slice") ?? spec.slice
    spec.timeout = fields.duration("timeout") ?? spec.timeout
    spec.concurrency = fields.integer("concurrency") ?? spec.concurrency
    if case .rate(let rate)? = fields["rate"]?.value {
      spec.rate = rate
    }
    spec.retry = retry
    spec.breaker = breaker
    spec.revision = fields.text("revision") ?? spec.revision
    return spec
  }

  // MARK: The command

  private mutating func command(_ field: Field?) -> ProducerSpec? {
    guard let field, case .list(let items)? = field.value else { return nil }
    let arguments = items.compactMap { item -> String? in
      if case .text(let text)? = item.value { text } else { nil }
    }
    guard arguments.count == items.count, let program = arguments.first else { return nil }
    guard isProgram(program, of: arguments, at: items[0].range) else { return nil }
    guard program.contains("/") else {
      return ProducerSpec(command: arguments, executable: program, directory: directory)
    }
    let executable = Paths.absolute(program, in: directory)
    return ProducerSpec(
      command: arguments, executable: executable, directory: Paths.folder(of: executable))
  }

  /// Whether a text can name a program; says so where it cannot, or probably does not.
  private mutating func isProgram(
    _ program: String, of arguments: [String], at range: Range<Int>
  ) -> Bool {
    if program.isEmpty {
      report(range, "`producer.command` names no program", hint: "its first item is the program")
      return false
    }
    let last = program.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
    if ["", ".", ".."].contains(last) {
      report(range, "\(shown(program)) is a folder, not a program", hint: "name a file in it")
      return false
    }
    if program.hasPrefix("~") {
      report(
        range, "`~` does not stand for a home folder here: there is no shell",
        hint: "write the whole path, or one relative to this file")
      return false
    }
    if arguments.count == 1, program.contains(" ") {
      warn(
        range, "the program's name has a space in it, as there is no shell to split it",
        hint: "write each argument as an item of its own")
    }
    return true
  }

  // MARK: The environment

  private mutating func variables(_ fields: Fields) -> ([String: String], [String: String]) {
    var environment: [String: String] = [:]
    var places: [String: Range<Int>] = [:]
    for variable in fields.variables("environment") {
      environment[variable.name] = variable.text
      places[variable.name] = variable.nameRange
    }
    var secrets: [String: String] = [:]
    for variable in fields.variables("secrets") {
      if let first = places[variable.name] {
        report(
          variable.nameRange,
          "\(shown(variable.name)) is in `environment` too, at \(line(of: first))",
          hint: "keep it in one of the two")
      }
      secrets[variable.name] = Paths.absolute(variable.text, in: directory)
    }
    return (environment, secrets)
  }

  // MARK: Failures

  private mutating func retry(_ fields: Fields?) -> RetryPolicy {
    var policy = RetryPolicy()
    guard let fields else { return policy }
    let longest = fields.duration("max_backoff", or: policy.maxBackoff)
    if let wait = fields.duration("backoff", or: policy.backoff), let longest, wait > longest,
      let place = fields["backoff"] ?? fields["max_backoff"]
    {
      let origin = { (key: String) in fields[key] == nil ? ", the default" : "" }
      report(
        place.range,
        "`producer.retry.backoff` (\(DurationText.format(wait))\(origin("backoff"))) is longer than"
          + " `max_backoff` (\(DurationText.format(longest))\(origin("max_backoff")))",
        hint: "lower `backoff`, or raise `max_backoff`")
    }
    policy.attempts = fields.integer("attempts") ?? policy.attempts
    policy.backoff = fields.duration("backoff") ?? policy.backoff
    policy.maxBackoff = fields.duration("max_backoff") ?? policy.maxBackoff
    if let place = fields["backoff"], fields.duration("backoff") == .zero {
      warn(
        place.range, "without a wait a supplier that has no more is asked again at once",
        hint: "write 1s or more")
    }
    return policy
  }

  private func breaker(_ fields: Fields?) -> BreakerPolicy {
    var policy = BreakerPolicy()
    policy.failures = fields?.integer("failures") ?? policy.failures
    policy.cooldown = fields?.duration("cooldown") ?? policy.cooldown
    return policy
  }
}
