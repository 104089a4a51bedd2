import Harness

/// The pools that the load clients claim from, and their producer, which keeps a ledger.
enum LoadPools {
  /// Filled by `put`; holds, several items, no limit.
  static let codes = "codes"
  /// One a user, without a key; made ahead at the reorder point, backorders allowed.
  static let tickets = "tickets"
  /// Keyed items of which some repeat, two runs at once; released holds go back on the shelf.
  static let reports = "reports"
  /// A schedule each second which replaces the slow run of the last one.
  static let quotes = "quotes"
  /// Long runs of large slices.
  static let bulk = "bulk"

  static let all = [codes, tickets, reports, quotes, bulk]
  static let restocking: Set<String> = [reports]

  /// The folder of the ledger, in the workspace.
  static let ledger = "ledger"

  static func declare(in workspace: Workspace) throws {
    try workspace.producer("produce", script)
    let quick = "retry: {attempts: 5, backoff: 50ms, max_backoff: 200ms}"
    let breaker = "breaker: {failures: 1000, cooldown: 1s}"
    func command(_ style: String) -> String {
      "command: [./produce, \(workspace.path)/\(ledger), \(style)], timeout: 10s"
    }
    try workspace.declare(
      codes,
      """
      stock: {target: 1, max: 1000000}
      claims: {per_user: 0, hold: 10m}
      """)
    try workspace.declare(
      tickets,
      """
      producer: {\(command("plain")), slice: 40, \(quick), \(breaker)}
      stock: {target: 160, reorder_at: 120, max: 100000}
      claims: {per_user: 1, hold: 10m}
      """)
    try workspace.declare(
      reports,
      """
      producer: {\(command("keyed")), slice: 25, concurrency: 2, \(quick), \(breaker)}
      stock: {target: 300, reorder_at: 250, max: 100000}
      claims: {per_user: 0, hold: 10m, on_release: restock, order: fifo}
      """)
    try workspace.declare(
      quotes,
      """
      producer: {\(command("slow")), slice: 7, \(quick), \(breaker)}
      stock: {target: 30, reorder_at: 0, max: 100000}
      schedules: [{name: tick, cron: "* * * * * *", target: 50000, overlap: replace}]
      claims: {per_user: 0, hold: 10m}
      """)
    try workspace.declare(
      bulk,
      """
      producer: {\(command("plain")), slice: 150, \(quick), \(breaker)}
      stock: {target: 2000, reorder_at: 1500, max: 100000}
      claims: {per_user: 0, hold: 10m}
      """)
  }

  /// Writes down what it is asked, then what it will print, before it prints it, and that it is
  /// done before it ends; now and then it fails, is short, prints too much, or is slow. One file a
  /// try, so that producers that run at once don't write into each other's lines.
  private static let script = #"""
    #!/bin/sh
    read -r stat <"/proc/$$/stat"
    set -- "$1" "$2" ${stat##*) }
    ledger=$1
    style=$2
    shift 21
    attempt=$$.$1
    chance=$((($$ * 7 + $1) % 60))
    file=$ledger/$LARDER_RUN.$LARDER_SLICE.$attempt
    count=$LARDER_COUNT
    case $chance in
    1 | 2) count=$((count / 2)) ;;
    3) count=$((count + 3)) ;;
    esac
    lines=
    i=0
    while [ "$i" -lt "$count" ]; do
      i=$((i + 1))
      key=
      if [ "$style" = keyed ]; then
        key=",\"key\":\"$LARDER_RUN-$LARDER_SLICE-$i\""
        [ $((i % 10)) -ne 3 ] || key=",\"key\":\"again-$((LARDER_SLICE % 3))-$i\""
      fi
      lines="$lines{\"payload\":{\"of\":\"$LARDER_RUN $LARDER_SLICE $i $attempt\"}$key}
    "
    done
    lines="$lines{\"cursor\":\"after-$LARDER_SLICE\"}"
    printf '%s\n%s\n' "$LARDER_POOL $LARDER_RUN $LARDER_SLICE $LARDER_COUNT $attempt $LARDER_CURSOR" \
      "$lines" >"$file"
    sync -d "$file"
    [ "$style" != slow ] || sleep 0.2
    case $chance in
    4) printf '%s' "$lines" | head -c 100 && exit 1 ;;
    5) exit 75 ;;
    6) sleep 2 ;;
    esac
    printf '%s\n' "$lines"
    echo done >>"$file"
    sync -d "$file"
    """#
}
