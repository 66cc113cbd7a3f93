// swift-tools-version: 6.2
import PackageDescription

// Apart from the main package, since everything in it is built for libFuzzer (tools/fuzz.sh).
let package = Package(
  name: "fuzz",
  dependencies: [.package(name: "rooftree", path: "../..")],
  targets: [
    .executableTarget(
      name: "FuzzReaders",
      dependencies: [.product(name: "Rooftree", package: "rooftree")],
      swiftSettings: [.unsafeFlags(["-parse-as-library"])])
  ]
)
