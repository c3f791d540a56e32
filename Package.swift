// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// CI turns warnings into errors (`make test` sets the variable); a user's build never fails for a new compiler's warning.
let strict = Context.environment["STATICKEYS_WERROR"] == "1"
let settings: [SwiftSetting] = [.swiftLanguageMode(.v6)] + (strict ? [.treatAllWarnings(as: .error)] : [])

let package = Package(
  name: "StaticKeys",
  products: [
    .library(name: "StaticKeys", targets: ["StaticKeys"]),
    .library(name: "BTFMeta", targets: ["BTFMeta"]),
    .library(name: "Patcher", targets: ["Patcher"]),
    .library(name: "StateFile", targets: ["StateFile"]),
    .executable(name: "keyctl", targets: ["keyctl"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "CLibBPF", pkgConfig: "libbpf", providers: [.apt(["libbpf-dev"])]),
    .systemLibrary(name: "CLibELF", pkgConfig: "libelf", providers: [.apt(["libelf-dev"])]),
    .systemLibrary(name: "CLibMNL", pkgConfig: "libmnl", providers: [.apt(["libmnl-dev"])]),
    .target(name: "StaticKeys", swiftSettings: settings),
    .target(
      name: "BTFMeta",
      dependencies: [
        "StaticKeys", "CLibBPF", "CLibELF",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: settings),
    .target(
      name: "Patcher",
      dependencies: [
        "StaticKeys", "BTFMeta", "CLibBPF", "CLibMNL",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: settings),
    .target(
      name: "StateFile",
      dependencies: [
        "StaticKeys",
        .product(name: "SystemPackage", package: "swift-system"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "keyctl",
      dependencies: [
        "StaticKeys", "BTFMeta", "Patcher", "StateFile", "CLibBPF",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "flowmon",
      dependencies: [
        "StaticKeys", "CLibBPF",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Examples/flowmon",
      swiftSettings: settings),
    .executableTarget(
      name: "bench-endpoints",
      dependencies: [
        "StaticKeys", "Patcher", "CLibBPF",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Examples/endpoints/bench",
      swiftSettings: settings),
    .systemLibrary(name: "CTestSupport", path: "Tests/CTestSupport"),
    .target(
      name: "TestSupport",
      dependencies: ["CLibBPF", "CTestSupport", .product(name: "SystemPackage", package: "swift-system")],
      path: "Tests/TestSupport",
      swiftSettings: settings),
    .testTarget(name: "TestSupportTests", dependencies: ["TestSupport"], swiftSettings: settings),
    .testTarget(name: "StaticKeysTests", dependencies: ["StaticKeys"], swiftSettings: settings),
    .testTarget(
      name: "BTFMetaTests", dependencies: ["BTFMeta", "StaticKeys", "TestSupport"], swiftSettings: settings),
    .testTarget(
      name: "StateFileTests", dependencies: ["StateFile", "StaticKeys", "TestSupport"], swiftSettings: settings),
    .testTarget(
      name: "PatcherTests", dependencies: ["Patcher", "StaticKeys", "TestSupport"], swiftSettings: settings),
    .testTarget(name: "keyctlTests", dependencies: ["TestSupport"], swiftSettings: settings),
    .testTarget(
      name: "KernelTests", dependencies: ["Patcher", "BTFMeta", "StaticKeys", "TestSupport", "CLibBPF"],
      swiftSettings: settings),
  ]
)
