import Harness

extension Phase {
  /// Servers that break a promise on purpose, each of which must be caught.
  package static let mutants = Phase("mutants") { context in
    var tally = Tally()
    guard let binary = Mutation.testBuild else {
      throw ClientError("LARDER_DEBUG does not name a test build of larder")
    }
    var context = context
    context.binary = binary
    for mutation in Mutation.all {
      let isCaught = try mutation.isCaught(context)
      context.report("\(mutation.name) is \(isCaught ? "" : "not ")caught")
      if isCaught { tally.mutants += 1 }
    }
    return tally
  }
}
