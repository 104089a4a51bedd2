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

    target("Cron"),
    target("Sizing", ["CBoost"]),
    target("Pictures", ["Cron", "Sizing"]),
    target("Larder", ["Cron", "Sizing"]),
    target("ScheduleFile", ["Larder", "Cron", "CYAML"]),
    target("SQLiteStore", ["Larder", "CSQLite", "CLinux"]),
    target("Producer", ["Larder", "CLinux"]),
    target("Engine", ["Larder", "Producer", "CLinux"]),
    target("Webhook", ["Larder", "Engine", "CCurl", "CCrypto"]),
    target("HTTPServer", ["CMicrohttpd", "CLinux"]),
    target("API", ["Larder", "Engine", "HTTPServer"]),
    target(
      "LarderCLI",
      [
        "Cron", "Larder", "ScheduleFile", "SQLiteStore", "Producer", "Engine", "HTTPServer", "API",
        "Webhook", "CCurl", "CLinux",
      ]),
    .executableTarget(name: "larder", dependencies: ["LarderCLI"], swiftSettings: strict),

    tests("CronTests", ["Cron"], resources: [.copy("Data")]),
    tests("LarderTests", ["Larder"]),
    tests("SizingTests", ["Sizing", "Larder", "Cron"], resources: [.copy("Data")]),
    tests("PicturesTests", ["Pictures", "Sizing"]),
    .executableTarget(
      name: "sizing-cells", dependencies: ["Sizing", "Larder"], path: "Tests/SizingCells",
      swiftSettings: strict),
    tests("ScheduleFileTests", ["ScheduleFile", "Larder"], resources: [.copy("Data")]),
    tests("StoreTests", ["SQLiteStore", "Larder", "ScheduleFile", "CSQLite"]),
    tests("ProducerTests", ["Producer", "Larder"]),
    tests("EngineTests", ["Engine", "Larder", "SQLiteStore", "Producer"]),
    .target(
      name: "Simulation",
      dependencies: ["Engine", "Larder", "Cron", "ScheduleFile", "SQLiteStore", "CSQLite"],
      path: "Tests/Simulation", swiftSettings: strict),
    .executableTarget(
      name: "simulate", dependencies: ["Simulation"], path: "Tests/Simulate",
      swiftSettings: strict),
    tests("SimulationTests", ["Simulation"]),
    tests("WebhookTests", ["Webhook", "Larder", "Engine", "HTTPServer", "CCurl"]),
    tests("HTTPServerTests", ["HTTPServer"]),
    tests("APITests", ["API", "Engine", "HTTPServer", "Larder"]),
    .target(name: "Harness", path: "Tests/Harness", swiftSettings: strict),
    tests("EndToEndTests", ["Harness", "LarderCLI", "larder"]),
    .target(name: "FaultShim", path: "Tests/FaultShim"),
    .systemLibrary(name: "FaultShimControl", path: "Tests/FaultShimControl"),
    .target(
      name: "Faults", dependencies: ["Harness", "FaultShimControl", "CSQLite"],
      path: "Tests/Faults", swiftSettings: strict),
    .executableTarget(
      name: "campaign", dependencies: ["Faults"], path: "Tests/FaultCampaign",
      swiftSettings: strict),
    tests("FaultTests", ["Faults", "Harness", "larder"]),
  ]
)
