/// A way in which a producer misbehaves, as a script for `sh`.
package struct HostileProducer: Sendable {
  package let name: String
  package let script: String
  /// Keys of the schedule file's `producer` besides the command.
  let settings: String
  /// Whether something of it may be stored.
  let mayStore: Bool

  private init(
    _ name: String, settings: String = "", mayStore: Bool = false, script: String
  ) {
    self.name = name
    self.script = script
    self.settings = settings
    self.mayStore = mayStore
  }

  package static let all = [
    HostileProducer(
      "hangs, deaf to SIGTERM", settings: "timeout: 1s",
      script: """
        trap '' TERM
        while :; do sleep 60; done
        """),
    HostileProducer("prints one endless line", script: "exec tr '\\0' x </dev/zero"),
    HostileProducer(
      "prints one line of 100 MB",
      script: """
        printf '{"payload": "'
        head -c 100000000 /dev/zero | tr '\\0' x
        printf '"}\\n'
        """),
    HostileProducer(
      "prints endless good lines", mayStore: true, script: "exec yes '{\"payload\": 1}'"),
    HostileProducer(
      "floods its standard error", settings: "timeout: 2s", script: "exec yes 'help' >&2"),
    HostileProducer(
      "prints half a line", script: "printf '{\"payload\": 1}\\n{\"payload\": '"),
    HostileProducer(
      "repeats one key", mayStore: true,
      script: """
        i=0
        while [ "$i" -lt "$LARDER_COUNT" ]; do
          i=$((i + 1))
          echo '{"payload": "again", "key": "the-one"}'
        done
        """),
    HostileProducer(
      "forks 500 children", settings: "timeout: 3s",
      script: """
        i=0
        while [ "$i" -lt 500 ]; do
          i=$((i + 1))
          sleep 300 &
        done
        wait
        """),
    HostileProducer(
      "leaves grandchildren in sessions of their own", mayStore: true,
      script: """
        for i in 1 2 3; do
          setsid sh -c 'trap "" TERM HUP; while :; do sleep 60; done' &
        done
        echo '{"payload": 1}'
        """),
    HostileProducer("kills its own group", script: "kill -9 0"),
    HostileProducer("closes its input and dies", script: "exec <&-; exit 9"),
  ]

  /// A schedule file that keeps such a producer busy: it is always below its reorder point.
  func file(program: String) -> String {
    """
    producer:
      command: [./\(program)]
      slice: 20
      retry: {attempts: 2, backoff: 50ms, max_backoff: 100ms}
      breaker: {failures: 1000000}
      \(settings)
    stock: {target: 100000, reorder_at: 100000, max: 200000}
    """
  }
}
