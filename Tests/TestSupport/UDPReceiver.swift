// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Takes `UDPSender`'s packets in a namespace and remembers which came, on a thread of its own.
public final class UDPReceiver: Sendable {
  /// What has come so far.
  public struct Tally: Sendable {
    /// How often each number came.
    public fileprivate(set) var times: [UInt32: Int] = [:]

    /// Packets that came, repeated ones counted each time.
    public var count: Int { times.values.reduce(0, +) }

    /// Numbers that came more than once.
    public var repeated: [UInt32] { times.filter { $0.value > 1 }.keys.sorted() }

    /// Numbers below `sent` that did not come.
    public func missing(of sent: Int) -> [UInt32] { (0..<UInt32(sent)).filter { times[$0] == nil } }
  }

  private final class Shared: Sendable {
    let tally = Mutex(Tally())
    let stopping = Atomic<Bool>(false)
  }

  private let shared: Shared
  private let thread: NamespaceThread<Void>

  /// Starts to receive at `port`; when it returns, the port is open.
  public init(in namespace: NetNS, port: UInt16 = testPort) throws {
    let shared = Shared()
    self.shared = shared
    let descriptor = try namespace.onThread {
      let socket = try udpSocket()
      var room: Int32 = 16 << 20
      setsockopt(socket.rawValue, SOL_SOCKET, SO_RCVBUFFORCE, &room, socklen_t(MemoryLayout<Int32>.size))
      var patience = timeval(tv_sec: 0, tv_usec: 50_000)
      setsockopt(socket.rawValue, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
      let status = try withAddress("0.0.0.0", port) { bind(socket.rawValue, $0, $1) }
      guard status == 0 else { throw HarnessError("bind to port \(port)", errno: errno) }
      return socket.release()
    }
    thread = NamespaceThread(path: namespace.path) {
      let socket = try OwnedFD(descriptor, "UDP socket")
      while !shared.stopping.load(ordering: .relaxed) {
        var payload: UInt32 = 0
        let size = recv(socket.rawValue, &payload, 4, 0)
        if size == 4 { shared.tally.withLock { $0.times[UInt32(littleEndian: payload), default: 0] += 1 } }
      }
    }
  }

  deinit { shared.stopping.store(true, ordering: .relaxed) }

  /// What has come so far.
  public var tally: Tally { shared.tally.withLock { $0 } }

  /// Waits until this many packets have come or `patience` is over, then stops and returns what came.
  public func finish(expecting count: Int, patience: Duration = .seconds(5)) throws -> Tally {
    _ = eventually(within: patience) { tally.count >= count }
    shared.stopping.store(true, ordering: .relaxed)
    try thread.join()
    return tally
  }
}
