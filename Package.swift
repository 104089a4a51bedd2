// swift-tools-version: 6.2

import PackageDescription

/// Test builds have switches that break a promise on purpose, to show that the tests notice.
let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error), .define("MUTANTS", .when(configuration: .debug)),
]

func target(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

/// What is fuzzed. `make fuzz` makes an executable of it, whose main function is libFuzzer's; else its
/// tests read the corpora.
let fuzzed: [Target.Dependency] = [
  "API", "Cron", "Engine", "HTTPServer", "Larder", "Lock", "Producer", "SQLiteStore",
  "ScheduleFile",
]
let fuzzing: Target =
  if Context.environment["LARDER_FUZZER"] == nil {
    .testTarget(
      name: "FuzzTests", dependencies: fuzzed, path: "Tests/Fuzz", exclude: ["Fuzzer"],
      resources: [.copy("Corpora")], swiftSettings: strict)
  } else {
    .executableTarget(
      name: "fuzzer", dependencies: fuzzed, path: "Tests/Fuzz", exclude: ["Corpora", "Tests"],
      swiftSettings: strict)
  }

let package = Package(
  name: "larder",
  products: [
    .executable(name: "larder", targets: ["larder"]),
    .library(name: "FaultShim", type: .dynamic, targets: ["FaultShim"]),
  ],
  targets: [
    .systemLibrary(name: "CSQLite"),
    .systemLibrary(name: "CMicrohttpd"),
    .systemLibrary(name: "CYAML"),
    .systemLibrary(name: "CCurl"),
    .systemLibrary(name: "CCrypto"),
    .target(
      name: "CLinux", cSettings: [.define("MUTANTS", .when(configuration: .debug))]),

    // Boost.Math behind a C face.
    .target(name: "CBoost"),

    target("Lock"),
    target("Cron", ["Lock"]),
    target("Sizing", ["CBoost"]),
    target("Pictures", ["Cron", "Sizing"]),
    target("Larder", ["Cron", "Sizing"]),
    target("ScheduleFile", ["Larder", "Cron", "CYAML"]),
    target("SQLiteStore", ["Larder", "Sizing", "CSQLite", "CLinux"]),
    target("Producer", ["Larder", "Lock", "CLinux"]),
    target("Engine", ["Larder", "Producer", "Sizing", "CLinux"]),
    target("Webhook", ["Larder", "Engine", "CCurl", "CCrypto"]),
    target("HTTPServer", ["Lock", "CMicrohttpd", "CLinux"]),
    target("API", ["Larder", "Lock", "Engine", "HTTPServer", "Sizing"]),
    target(
      "LarderCLI",
      [
        "Cron", "Larder", "ScheduleFile", "SQLiteStore", "Producer", "Engine", "HTTPServer", "API",
        "Webhook", "Lock", "CCurl", "CLinux", "Pictures", "Sizing",
      ]),
    .executableTarget(name: "larder", dependencies: ["LarderCLI"], swiftSettings: strict),

    tests("LockTests", ["Lock"]),
    tests("CronTests", ["Cron"], resources: [.copy("Data")]),
    tests("LarderTests", ["Larder"]),
    tests(
      "SizingTests", ["LiveReplay", "Engine", "Sizing", "Larder", "Cron"],
      resources: [.copy("Data")]),
    tests("PicturesTests", ["Pictures", "Sizing"]),
    .executableTarget(
      name: "sizing-cells", dependencies: ["Cron", "Engine", "Sizing", "Larder", "LiveReplay"],
      path: "Tests/SizingCells", swiftSettings: strict),
    .target(
      name: "LiveReplay",
      dependencies: ["Engine", "Larder", "SQLiteStore", "ScheduleFile", "Sizing", "Lock"],
      path: "Tests/LiveReplay", swiftSettings: strict),
    tests("ScheduleFileTests", ["ScheduleFile", "Larder", "Sizing"], resources: [.copy("Data")]),
    tests("StoreTests", ["SQLiteStore", "Larder", "ScheduleFile", "Lock", "Sizing", "CSQLite"]),
    tests("ProducerTests", ["Producer", "Larder", "Lock"]),
    tests("EngineTests", ["Engine", "Larder", "SQLiteStore", "Producer", "Lock", "Sizing"]),
    .target(
      name: "Simulation",
      dependencies: ["Engine", "Larder", "Cron", "ScheduleFile", "SQLiteStore", "Lock", "CSQLite"],
      path: "Tests/Simulation", swiftSettings: strict),
    .executableTarget(
      name: "simulate", dependencies: ["Simulation"], path: "Tests/Simulate",
      swiftSettings: strict),
    tests("SimulationTests", ["Simulation"]),
    tests("WebhookTests", ["Webhook", "Larder", "Engine", "HTTPServer", "CCurl"]),
    tests("HTTPServerTests", ["HTTPServer"]),
    tests("APITests", ["API", "Engine", "HTTPServer", "Larder", "Lock", "Sizing"]),
    .target(
      name: "Harness", dependencies: ["Lock"], path: "Tests/Harness", swiftSettings: strict),
    tests("EndToEndTests", ["Harness", "LarderCLI", "Lock", "larder"]),
    .target(name: "FaultShim", path: "Tests/FaultShim"),
    .systemLibrary(name: "FaultShimControl", path: "Tests/FaultShimControl"),
    .target(
      name: "Faults", dependencies: ["Harness", "Lock", "FaultShimControl", "CSQLite"],
      path: "Tests/Faults", swiftSettings: strict),
    .executableTarget(
      name: "campaign", dependencies: ["Faults"], path: "Tests/FaultCampaign",
      swiftSettings: strict),
    tests("FaultTests", ["Faults", "FaultShimControl", "Harness", "larder"]),
    fuzzing,
  ]
)
