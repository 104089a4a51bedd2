/// Every bound on what clients, producers and files may send, and on what waits in memory.
package enum Limits {
  // Test builds write and merge runs of the claims' index sooner, so that their tests have some.
  #if MUTANTS
    private static let testPart = 8
  #else
    private static let testPart = 1
  #endif

  // Names and values
  package static let poolNameBytes = 63
  package static let userBytes = 200
  package static let idempotencyKeyBytes = 255
  package static let itemKeyBytes = 512
  package static let cursorBytes = 4096
  package static let attributesBytes = 4096
  package static let attributes = 64

  // Claims
  package static let claimCount = 1...1000
  /// Claims in one transaction.
  package static let claimBatch = 1024
  /// Bytes of payloads that one transaction hands out, unless its first claim alone has more: it ends
  /// there, and what is left of the batch has one of its own.
  package static let claimBatchBytes = 16 * 1024 * 1024
  /// Claims that wait for the writer; one more is answered 503.
  package static let waitingClaims = 20_000
  /// The newest claims whose users and keys are kept in memory, until a run of the index has them.
  package static let claimTail = 2048 / testPart
  /// Items that are granted, or bytes of their payloads, until they are settled.
  package static let unsettledItems = 256 / testPart
  package static let unsettledBytes = 4 * 1024 * 1024
  /// How long the engine is not woken for what claims changed of the stock.
  package static let newsDelay = Duration.milliseconds(5)
  /// A claim that is decided on its caller's thread and takes longer leaves so many of the next ones
  /// to the writer's.
  package static let aloneTime = Duration.milliseconds(2)
  package static let aloneRest = 100
  /// How long no claim comes until fewer are settled.
  package static let settleDelay = Duration.milliseconds(5)
  /// What may wait to be settled where the disk has no room for it: beyond, claims are refused.
  package static let unsettledMost = 4096
  package static let unsettledMostBytes = 64 * 1024 * 1024
  /// Entries of the claims' index that are merged in one transaction.
  package static let claimIndexSlice = 16_000 / testPart
  /// What filters of the claims' index may take in memory. Older claims than fit, about 42 million,
  /// are looked for on disk.
  package static let claimFilterBytes = 64 * 1024 * 1024
  /// Pending claims of one pool; one more is a miss.
  package static let backordersPerPool = 100_000
  /// Places in a line of pending claims that are counted; nobody further behind is told a place.
  package static let placesInLine = 1000
  /// Lines whose length the writer keeps in memory.
  package static let linesCounted = 1000
  /// How long misses wait to be written, if nothing else is: what a crash may lose of them.
  package static let demandDelay = Duration.seconds(1)
  /// Other writes that wait for the writer; one more is answered 503.
  package static let waitingWrites = 2000
  /// Reads that wait for a reader; one more is answered 503.
  package static let waitingReads = 2000
  package static let readerThreads = 2
  /// Items that are recalled in one transaction.
  package static let recallSlice = 200
  /// Rows that are purged in one transaction.
  package static let purgeSlice = 200
  /// Claims that are forgotten in one transaction.
  package static let forgetSlice = 100
  /// Violations of one rule that `larder verify` lists.
  package static let violationsListed = 20

  // The disk
  /// What filling leaves free for claims, and the part of the file system that it is at most.
  package static let diskReserve: Int64 = 64 * 1024 * 1024
  package static let diskReserveShare: Int64 = 10
  /// How often somebody looks at what is free, and tries whether a full disk still is.
  package static let diskLook = Duration.seconds(1)
  /// How long filling waits after the disk refused items, doubling to the longest.
  package static let diskRetry = Duration.seconds(1)
  package static let diskLongestRetry = Duration.seconds(8)
  /// How long after that a refusal counts if nothing has been stored since.
  package static let diskForgets = Duration.seconds(60)
  /// What a client is told to wait for a full disk.
  package static let diskRetryAfter = Duration.seconds(5)
  /// What an item takes in the store besides its payload, key and attributes.
  package static let rowBytes = 512
  /// Claims in one transaction when a larger one found no room.
  package static let claimBatchWhenFull = 16
  /// Pages in the log at which they are put into the database within a commit: fewest, on a very small
  /// disk, and most.
  package static let logPages = 16...1000
  /// The part of that at which it is done between two batches of claims. They wait for that too, so it
  /// is done often and little at once.
  package static let logShare = 4
  /// How often the log tells of errors of the store that clients are answered with.
  package static let troubleEvery = Duration.seconds(10)

  // Service
  /// A server notes once each `Demand.bin` that it counts. Notes that are farther apart have time
  /// between them in which nobody did: that much later than it should be, a note is not late any more.
  package static let serviceGap = Demand.bin + .seconds(60)

  // HTTP
  package static let bodyBytes = 64 * 1024
  package static let itemsBodyBytes = 8 * 1024 * 1024
  package static let itemsPerBody = 2000
  /// Items that `larder put` sends in one request. Claims wait for a request's transaction, which
  /// may also fill as many backorders.
  package static let itemsPerPut = 250
  package static let pageSize = 100
  package static let pageSizes = 1...1000
  /// Payloads in a page of claims: the claim that passes it is the page's last.
  package static let pageBytes = 8 * 1024 * 1024
  /// The longest `?wait=` of a call.
  package static let wait = Duration.seconds(60)
  /// Calls that wait for pending claims; one more is answered 503.
  package static let waiters = 5000
  /// Claims that one reading looks at for those that wait for them.
  package static let waitedClaimsRead = 50
  /// How long whoever answers them rests when too much waits for a reader.
  package static let pauseWhenBusy = Duration.milliseconds(20)

  /// How long requests in progress may take when the server stops.
  package static let drain = Duration.seconds(10)

  // Schedule files
  /// Schedule files in the folder, and so pools in force.
  package static let pools = 20_000
  package static let scheduleFileBytes = 1024 * 1024
  package static let schedulesPerPool = 100
  package static let poolMax = 100_000_000
  /// Missed nominal times that `catchup: all` runs.
  package static let caughtUpRuns = 100

  // Demand files
  package static let demandFileBytes = 256 * 1024 * 1024
  /// Requests of one row.
  package static let demandRequests = 1_000_000_000
  /// Bins of 5 minutes that a file may cover: 20 years.
  package static let demandBins = 20 * 366 * 24 * 12
  /// Bins that one call takes in, in one transaction.
  package static let importedBins = 1000

  /// Spans that a schedule file excludes from what is learned, and days that it makes others.
  package static let excludedSpans = 100
  package static let dayOverrides = 1000

  /// Pools in one picture of levels.
  package static let picturedPools = 100

  /// Demand that a plan looks back on: the 8 weeks that it learns from, and the 8 before that which
  /// the forecasts of that time were made from.
  package static let planHistory = Duration.seconds(17 * 7 * 24 * 3600)
  /// What expires later than this is not looked at for a plan: an order comes before that.
  package static let planShelf = Duration.seconds(2 * 24 * 3600)
  /// What a miss or a wasted item may cost.
  package static let costs = 0.0...1e9
  /// Runs that a plan learns the lead time from.
  package static let planRuns = 100
  /// Gaps between scheduled runs, of which the middle one is what a plan reckons with.
  package static let planFires = 50
  /// Pools that are brought up to the present for their plans in one tick.
  package static let plansPerTick = 32

  // Producers
  package static let sliceItems = 1...2000
  package static let lineBytes = 1024 * 1024
  /// What one slice may print in all.
  package static let sliceBytes = 64 * 1024 * 1024
  /// What is kept of a run's standard error: its last bytes.
  package static let runLogBytes = 64 * 1024
  package static let secretBytes = 64 * 1024
  /// The time between SIGTERM and SIGKILL.
  package static let grace = Duration.seconds(5)
  /// Producers that run at once, over all pools.
  package static let producers = 1...256
  package static let defaultProducers = 4
  /// Manual runs of one pool that wait; one more is answered 503.
  package static let queuedRuns = 100

  // Webhooks
  /// Posts that are under way at once, over all pools and of one pool.
  package static let webhookPosts = 4
  package static let webhookPostsPerPool = 2
  /// How long a post may take in all, and until its connection stands.
  package static let webhookTime = Duration.seconds(10)
  package static let webhookConnectTime = Duration.seconds(5)
  /// What is read of a host's answer, its header included; the rest is cut off.
  package static let webhookAnswerBytes = 64 * 1024
  /// The ceiling of the wait after the first failed try, and the highest.
  package static let webhookWait = Duration.seconds(1)
  package static let webhookLongestWait = Duration.seconds(3600)
  /// How long a thread that has nothing to post keeps its connections.
  package static let webhookIdle = Duration.seconds(30)

  // The engine
  /// A nominal time that is noticed within this time is on time; later it was missed.
  package static let punctuality = Duration.seconds(10)
  /// The longest sleep of the engine: how late a jump of the clock may be noticed.
  package static let longestSleep = Duration.seconds(1)
  /// How long nothing must have changed in the schedules' folder before it is read again.
  package static let settling = Duration.milliseconds(200)
  /// How long the engine rests after the store refused what it decided.
  package static let pauseAfterTrouble = Duration.seconds(1)
  /// Items that expire, or get or lose the stale mark, and claims whose time is over, in one
  /// transaction.
  package static let expirySlice = 100
  /// Holds and backorders that end in one transaction, since their time is over.
  package static let lapseSlice = 100
  /// Items that a piece of a recall looks through.
  package static let recallScan = 1000
  /// Items of claims that a piece of longer work reads or changes beside what it is asked for,
  /// unless the first claim alone has more.
  package static let itemsBeside = 1000
  /// Demand that a purge leaves: what it is forecast from.
  package static let keptDemand = Duration.seconds(18 * 7 * 24 * 3600)
  /// Pools that one tick of the engine looks at, so that what it decides is a small transaction.
  package static let poolsPerTick = 200
  /// Slices that are listed with a run in a page of runs, and with one run.
  package static let slicesInPage = 20
  package static let slicesInRun = 10_000
  /// What a client is told to wait when a queue is full, or the server stops.
  package static let busyRetryAfter = Duration.seconds(1)
  /// What a client is told to wait when nobody can say when the pool is filled.
  package static let unknownRetryAfter = Duration.seconds(60)
}
