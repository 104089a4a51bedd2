import Larder

/// Something that happens. Its numbers choose among what is there, so that a step still means
/// something when others before it are dropped.
enum Action: Sendable, Hashable {
  // The clock
  /// Time goes by, and the engine wakes at each of its deadlines.
  case advance(milliseconds: Int)
  /// Time goes by up to the engine's next deadline and a little beyond.
  case toDeadline(beyond: Int)
  /// The clock is later at once: a stalled or suspended machine, or a clock that was set.
  case stall(milliseconds: Int)
  case setBack(milliseconds: Int)

  // Claims
  case orders([OrderAction])
  /// A claim that was answered is asked for again, perhaps with another count.
  case repeatClaim(number: Int, other: Bool)

  /// A piece of forgetting a user's claims.
  case forget(user: Int, limit: Int)

  // Longer work
  /// A recall begins.
  case recall(pool: Int, RecallAction)
  /// A piece of a recall that has begun.
  case recallOn(limit: Int)
  /// A piece of a purge of what was over so many seconds ago.
  case purge(before: Int, limit: Int)
  /// Pushes that are due are posted; of ten, so many arrive. The answer of some is lost.
  case push(limit: Int, arriving: Int, losing: Int, seed: UInt64)

  // Items
  case put(pool: Int, batch: Batch)
  case finish(launch: Int, batch: Batch)
  case fail(launch: Int)
  case notStarted(launch: Int)
  case giveUp(launch: Int)
  /// The producers of replaced runs end.
  case leave
  /// A producer that should have ended long ago comes with its items.
  case late(launch: Int, batch: Batch)

  // Operators
  case request(pool: Int, count: Int?)
  case command(pool: Int, PoolCommand)
  /// A server notices changes of files.
  case change([Change])
  /// A server starts and finds changes of files.
  case restart(milliseconds: Int, copying: Bool, changes: [Change])
  case read
  /// Another program begins to read, or ends.
  case holdSnapshot
  case releaseSnapshot

  /// The engine is kept from waking during the next steps.
  case keepBusy(steps: Int)
  /// Producers are well, and time goes by until the shelves are full.
  case calm
}

/// What becomes of a pool's file.
enum Change: Sendable, Hashable {
  /// It is written anew.
  case anew(pool: Int, seed: UInt64)
  /// Some of it is changed.
  case edit(pool: Int, seed: UInt64)
  case remove(pool: Int)
  /// It is there and good, as it was last.
  case comeBack(pool: Int)
  /// It turns bad.
  case spoil(pool: Int)

  var pool: Int {
    switch self {
    case .anew(let pool, _), .edit(let pool, _), .remove(let pool), .comeBack(let pool),
      .spoil(let pool):
      pool
    }
  }
}

enum RecallAction: Sendable, Hashable {
  /// The run of some slice of the past.
  case run(Int)
  case revision(Int)
  /// Seconds ago, and for how many.
  case made(ago: Int, span: Int)
}

enum OrderAction: Sendable, Hashable {
  case request(ClaimAction)
  /// A claim of the past, the last of which is 0.
  case change(claim: Int, ClaimCommand)
}

struct ClaimAction: Sendable, Hashable {
  var pool: Int
  var user: Int
  var key: Int?
  var count: Int
  /// Seconds.
  var minRemaining: Int?
  /// Seconds.
  var hold: Int?
  var match: Int?
  var onMiss: ClaimPolicy.OnMiss?
}

/// The items of a slice or of a `put`.
struct Batch: Sendable, Hashable {
  /// How many there are; of a slice, compared with what was asked for.
  var number: Number
  /// Seconds from now until they expire, perhaps in the past.
  var life: Int?
  /// Keys are drawn from so many, so that they come again; nil: every key is new.
  var keys: Int?
  /// The user whom they are made for.
  var user: Int?
  /// Whether they have attributes.
  var hasAttributes = false
  var seed: UInt64

  enum Number: Sendable, Hashable {
    case asMany
    case fewer(by: Int)
    case more(by: Int)
    case exactly(Int)
  }
}

/// Where in a step the process dies, and how.
struct Crash: Sendable, Hashable {
  enum Moment: Sendable, Hashable {
    case before, within, after
  }

  /// Which write of the step it happens at; if there are fewer, at the step's end.
  var write: Int
  var moment: Moment
  /// Whether the next process finds a copy of the files as they were.
  var copying: Bool
  /// How long nothing runs, perhaps negative.
  var downtime: Int
}

struct Step: Sendable, Hashable, CustomStringConvertible {
  var action: Action
  /// What others do between a decision of the engine and its record.
  var meanwhile: [Action] = []
  var crash: Crash?

  var description: String {
    var text = "\(action)"
    if !meanwhile.isEmpty { text += ", meanwhile \(meanwhile)" }
    if let crash { text += ", \(crash)" }
    for prefix in ["Simulation.", "Batch.Number", "Action", "Moment."] {
      text = text.replacing(prefix, with: "")
    }
    return text.replacing(#/Optional\((\w+)\)/#) { "\($0.1)" }
  }
}
