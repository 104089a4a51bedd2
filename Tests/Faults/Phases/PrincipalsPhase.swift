import Harness

extension Phase {
  /// Two principals use the same keys for the same users. Release builds have one principal alone,
  /// so that this is tried with a test build.
  package static let principals = Phase("principals") { context in
    var context = context
    context.binary = Mutation.testBuild ?? context.binary
    context.environment["LARDER_TEST_PRINCIPALS"] = "1"
    return try tryStore(context, seed: context.seed, loaded: false, auditing: 0) { arena, _ in
      guard try arena.start() else { throw ClientError("the server was killed") }
      let client = LoadClient(
        1, target: arena.target, recorder: arena.recorder, shared: LoadShared(seed: 1), seed: 1)
      client.put((1...100).map { Ledger.Line(key: "k-\($0)", payload: "\($0)") })
      for user in 1...20 {
        for principal in ["anna", "bert"] {
          var request = LoadRequest(pool: LoadPools.codes, user: "u-\(user)", key: "k")
          request.principal = principal
          client.claim(request)
        }
      }
    }
  }
}
