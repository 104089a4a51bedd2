/// Producers that several tests use.
package enum Scripts {
  /// Makes what it is asked for, each item with a key of its own.
  package static let counting = """
    i=0
    while [ "$i" -lt "$LARDER_COUNT" ]; do
      i=$((i + 1))
      printf '{"payload": {"n": "%s-%s-%s"}, "key": "%s-%s-%s"}\\n' \\
        "$LARDER_RUN" "$LARDER_SLICE" "$i" "$LARDER_RUN" "$LARDER_SLICE" "$i"
    done
    """
}
