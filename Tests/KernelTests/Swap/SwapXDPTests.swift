// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// Replacing an XDP program that `ip link` attached.
  @Suite(.serialized, .requiresRoot, .censused)
  struct SwapXDP {
    /// The collection `counter`, attached to a device by ip.
    private struct Stage {
      let veth: VethPair
      let counter: Collection
      var device: NetNS { veth.receiver }
      var pin: String { counter.pin("progs", "counter") }

      init(_ mode: String = "xdpdrv") throws {
        veth = try VethPair()
        counter = try Collection("counter", engine: .reload)
        try device.run("ip link set dev rx0 \(mode) pinned \(pin)")
      }
    }

    @Test("in the driver and generic, and it stays what it is", arguments: ["xdpdrv": 1, "xdpgeneric": 2])
    func modes(option: String, mode: Int) throws {
      let stage = try Stage(option)
      #expect(try stage.device.xdpProgram("rx0") == stage.counter.id("counter"))
      let report = try stage.counter.flip(.enable, "variant")
      let new = try #require(report.programs.first).newID
      #expect(try stage.device.xdpProgram("rx0") == new)
      #expect(try stage.device.xdpMode("rx0") == mode)
      #expect(report.stillHeld.isEmpty)
      let places = Set(report.programs.flatMap(\.places))
      #expect(places.count == 2 && places.contains("pin \(stage.pin)"))
      #expect(places.contains { $0.contains("rx0@\(stage.device.name)") })
    }

    @Test("another program that came to the interface meanwhile stays, and all goes back")
    func changedMeanwhile() throws {
      let stage = try Stage()
      let other = try Collection("counter", engine: .reload)
      let (old, theirs) = (try stage.counter.id("counter"), try other.id("counter"))
      let (device, pin) = (stage.device, other.pin("progs", "counter"))
      let error = #expect(throws: StaticKeysError.self) {
        try stage.counter.flip(.enable, "variant", disturbedBefore: .programLoad) {
          try device.run("ip -force link set dev rx0 xdpdrv pinned \(pin)")
        }
      }
      #expect(error.saysChanged("rx0@\(device.name)"), "\(error?.description ?? "")")
      #expect(try device.xdpProgram("rx0") == theirs)
      #expect(try stage.counter.id("counter") == old)
      #expect(try stage.counter.state("variant") == .off)
      try device.run("ip link set dev rx0 xdpdrv off")
    }

    @Test("one that was detached behind our back makes all go back, and the next flip goes without it")
    func detachedMeanwhile() throws {
      let stage = try Stage()
      let old = try stage.counter.id("counter")
      let device = stage.device
      let error = #expect(throws: StaticKeysError.self) {
        try stage.counter.flip(.enable, "variant", disturbedBefore: .programLoad) {
          try device.run("ip link set dev rx0 xdpdrv off")
        }
      }
      #expect(error.saysChanged("rx0@\(device.name)"), "\(error?.description ?? "")")
      #expect(try stage.counter.id("counter") == old)
      #expect(try device.xdpProgram("rx0") == nil)
      #expect(try stage.counter.flip(.enable, "variant").programs.flatMap(\.places) == ["pin \(stage.pin)"])
    }

    @Test("an interface that goes away in mid-flip does not stop it")
    func deviceGone() throws {
      let stage = try Stage()
      let device = stage.device
      let report = try stage.counter.flip(.enable, "variant", disturbedBefore: .programLoad) {
        try device.run("ip link del rx0")
      }
      #expect(report.programs.flatMap(\.places) == ["pin \(stage.pin)"])
      #expect(try stage.counter.id("counter") == report.programs.first?.newID)
      #expect(try stage.counter.state("variant") == .on)
      #expect(report.stillHeld.isEmpty)
    }

    @Test("the only interface of a program that is pinned nowhere")
    func unpinned() throws {
      let stage = try Stage("xdpgeneric")
      let old = try stage.counter.id("counter")
      try run(["rm", stage.pin]).checked()
      let report = try stage.counter.flip(.enable, "variant")
      let new = try #require(report.programs.first).newID
      #expect(new != old)
      #expect(try stage.device.xdpProgram("rx0") == new)
      #expect(try stage.counter.state("variant") == .on)
      try stage.device.run("ip link set dev rx0 xdpgeneric off")
    }
  }
}
