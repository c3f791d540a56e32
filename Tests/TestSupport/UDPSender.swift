// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Sends numbered UDP packets from a namespace, on a thread of its own, while the test does something else.
///
/// The payload of packet n is n as a little-endian `UInt32`, from 0 on. It stops when the last reference goes.
public final class UDPSender: Sendable {
  /// How packets are paced.
  public struct Pace: Sendable {
    /// Packets that go out in one go. veth's ring has 256 places, beyond which it drops without a word.
    public var burst: Int
    /// Microseconds between two bursts; 0 for as fast as it goes.
    public var pause: UInt32

    /// A pace.
    public init(burst: Int = 32, pause: UInt32 = 300) {
      self.burst = burst
      self.pause = pause
    }
  }

  private final class Shared: Sendable {
    let sent = Atomic<Int>(0)
    let stopping = Atomic<Bool>(false)
  }

  private let shared: Shared
  private let thread: NamespaceThread<Int>

  /// Starts to send to `address`: `count` packets, or without end.
  public init(
    in namespace: NetNS, to address: String = VethPair.receiverAddress, port: UInt16 = testPort, count: Int = .max,
    pace: Pace = Pace()
  ) {
    let shared = Shared()
    self.shared = shared
    thread = NamespaceThread(path: namespace.path) {
      let socket = try udpSocket()
      return try withAddress(address, port) { target, length in
        var next = 0
        while next < count, !shared.stopping.load(ordering: .relaxed) {
          for _ in 0..<min(pace.burst, count - next) {
            guard let number = UInt32(exactly: next) else { throw HarnessError("more than 2^32 packets") }
            let payload = number.littleEndian
            let written = withUnsafeBytes(of: payload) {
              sendto(socket.rawValue, $0.baseAddress, $0.count, 0, target, length)
            }
            guard written == 4 else { throw HarnessError("sending packet \(next)", errno: errno) }
            next += 1
            shared.sent.store(next, ordering: .relaxed)
          }
          if pace.pause > 0 { usleep(pace.pause) }
        }
        return next
      }
    }
  }

  deinit { shared.stopping.store(true, ordering: .relaxed) }

  /// How many packets have gone out so far.
  public var sent: Int { shared.sent.load(ordering: .relaxed) }

  /// Waits until all `count` packets are out; returns how many were sent. To be called once, or `stop` instead.
  public func finish() throws -> Int { try thread.join() }

  /// Ends the sending; returns how many packets were sent.
  public func stop() throws -> Int {
    shared.stopping.store(true, ordering: .relaxed)
    return try thread.join()
  }
}
