// swift-tools-version: 6.2
import PackageDescription

/// Upcoming language features, on for every target.
let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("InferIsolatedConformances"),
]

let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let real = Target.Dependency.product(name: "RealModule", package: "swift-numerics")

// The house, from the ground up: a target imports only what stands below it (docs/architecture.md).
let package = Package(
  name: "rooftree",
  products: [
    .executable(name: "rooftree", targets: ["rooftree"]),
    .library(
      name: "Rooftree",
      targets: [
        "Quantities", "Documents", "Hardware", "Workloads", "CostModels", "Calibration", "Scenarios",
        "Studies", "Sweeps",
      ]),
    .library(name: "Kernels", targets: ["Kernels"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
  ],
  targets: [
    // Floor 0: system libraries.
    .systemLibrary(
      name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CNetCDF", providers: [.apt(["libnetcdf-dev"])]),
    .systemLibrary(name: "CMinpack", pkgConfig: "cminpack", providers: [.apt(["libcminpack-dev"])]),
    .systemLibrary(name: "CNettle", pkgConfig: "nettle", providers: [.apt(["nettle-dev"])]),

    // Floor 1: numbers with units; files with positions.
    .target(name: "Quantities", dependencies: [real], swiftSettings: settings),
    .target(name: "Documents", dependencies: ["Quantities", yams], swiftSettings: settings),

    // Floor 2: what there is to run on, and what there is to run.
    .target(name: "Hardware", dependencies: ["Quantities", "Documents"], swiftSettings: settings),
    .target(name: "Workloads", dependencies: ["Quantities", "Documents"], swiftSettings: settings),

    // Floor 3: the closed forms.
    .target(
      name: "CostModels", dependencies: ["Quantities", "Hardware", "Workloads", real],
      swiftSettings: settings),

    // Floor 4: measuring and fitting.
    .target(
      name: "Kernels", dependencies: ["COpenBLAS", "Quantities", "Workloads"], swiftSettings: settings),
    .target(
      name: "Calibration",
      dependencies: [
        "Quantities", "Documents", "Hardware", "Workloads", "CostModels", "CMinpack", real,
      ],
      swiftSettings: settings),

    .target(name: "Sampling", dependencies: ["Documents"], swiftSettings: settings),

    // Floor 5: a question, answered.
    .target(
      name: "Scenarios",
      dependencies: [
        "Quantities", "Documents", "Hardware", "Workloads", "CostModels", "Calibration", real,
      ],
      swiftSettings: settings),

    .target(
      name: "Studies",
      dependencies: [
        "Quantities", "Documents", "Hardware", "Workloads", "CostModels", "Calibration", "Sampling",
        "Scenarios", real,
      ],
      swiftSettings: settings),

    .target(
      name: "Sweeps",
      dependencies: [
        "CNetCDF", "Quantities", "Documents", "Hardware", "Workloads", "CostModels", "Calibration",
        "Scenarios", real,
      ],
      swiftSettings: settings),

    // Floor 6: what a person reads.
    .target(
      name: "Reports",
      dependencies: [
        "Quantities", "Documents", "Hardware", "Workloads", "CostModels", "Calibration", "Sampling",
        "Scenarios",
        "Studies", "Sweeps", "CNettle", real,
        .product(name: "Mustache", package: "swift-mustache"),
      ],
      resources: [.embedInCode("Templates")],
      swiftSettings: settings),

    // Floor 7: the command.
    .executableTarget(
      name: "rooftree",
      dependencies: [
        "Quantities", "Documents", "Hardware", "Workloads", "CostModels", "Kernels", "Calibration",
        "Sampling", "Scenarios", "Studies", "Sweeps", "Reports",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings),

    // Tests, each beside the floor that it looks at.
    .target(
      name: "TestSupport", dependencies: ["Quantities", "Documents"], path: "Tests/TestSupport",
      swiftSettings: settings),
    .testTarget(
      name: "QuantitiesTests", dependencies: ["Quantities", "TestSupport"], swiftSettings: settings),
    .testTarget(
      name: "DocumentsTests", dependencies: ["Quantities", "Documents", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "HardwareTests", dependencies: ["Quantities", "Documents", "Hardware", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "WorkloadsTests", dependencies: ["Quantities", "Documents", "Workloads", "TestSupport"],
      exclude: ["Fixtures"], swiftSettings: settings),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "Quantities", "Documents", "Hardware", "Workloads", "CostModels", "Calibration", "Scenarios",
        "Kernels", "TestSupport", "rooftree",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["Fixtures"], swiftSettings: settings),
    .target(
      name: "ModelTestSupport",
      dependencies: ["Quantities", "Documents", "Hardware", "CostModels", "Calibration", real],
      path: "Tests/ModelTestSupport", swiftSettings: settings),
    .testTarget(
      name: "CostModelsTests",
      dependencies: [
        "Quantities", "Documents", "Hardware", "Workloads", "CostModels", "Calibration", "ModelTestSupport",
      ],
      swiftSettings: settings),
    .testTarget(
      name: "CalibrationTests",
      dependencies: [
        "Quantities", "Documents", "Hardware", "Workloads", "CostModels", "Calibration", "ModelTestSupport",
        real,
      ],
      exclude: ["Fixtures"], swiftSettings: settings),
    .testTarget(
      name: "ScenariosTests",
      dependencies: [
        "Quantities", "Documents", "Hardware", "Workloads", "CostModels", "Calibration", "Scenarios",
        "ModelTestSupport", real,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "SamplingTests", dependencies: ["Quantities", "Documents", "Sampling", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "StudiesTests",
      dependencies: [
        "Quantities", "Documents", "Workloads", "CostModels", "Scenarios", "Studies", "ModelTestSupport",
        real,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "SweepsTests",
      dependencies: [
        "Quantities", "Documents", "Hardware", "Workloads", "CostModels", "Calibration", "Scenarios",
        "Sweeps", "TestSupport", real,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "ReportsTests",
      dependencies: [
        "Quantities", "Documents", "Hardware", "Workloads", "CostModels", "Calibration", "Scenarios",
        "Studies", "Reports", "TestSupport",
      ],
      swiftSettings: settings),
    .testTarget(
      name: "KernelsTests", dependencies: ["Kernels", "Quantities", "Workloads"], swiftSettings: settings),
  ]
)
