// swift-tools-version: 6.2
import PackageDescription

// What is timed, apart from the tests: their results must not depend on the speed of the machine.
let package = Package(
  name: "rooftree-benchmarks",
  dependencies: [.package(name: "rooftree", path: "..")],
  targets: [
    // The same matrix products, called from C.
    .target(name: "CBaseline"),
    .executableTarget(
      name: "kernel-benchmarks",
      dependencies: [
        "CBaseline", .product(name: "Kernels", package: "rooftree"),
        .product(name: "Rooftree", package: "rooftree"),
      ]),
    // Scenarios a second.
    .executableTarget(
      name: "sweep-benchmarks",
      dependencies: [.product(name: "Rooftree", package: "rooftree")]),
    // How long a fit takes.
    .executableTarget(
      name: "fit-benchmarks",
      dependencies: [.product(name: "Rooftree", package: "rooftree")]),
    // What PIM-Opt's algorithms need in epochs, at reduced scale.
    .executableTarget(
      name: "statistical-efficiency",
      dependencies: [
        .product(name: "Kernels", package: "rooftree"), .product(name: "Rooftree", package: "rooftree"),
      ]),
  ]
)
