// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The port to which test packets go.
public let testPort: UInt16 = 7777

/// An IPv4 UDP socket in the calling thread's namespace.
func udpSocket() throws -> OwnedFD {
  try OwnedFD(socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0), "UDP socket")
}

/// Calls `body` with a `sockaddr` for this IPv4 address and port.
func withAddress<Result>(
  _ address: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result
) throws -> Result {
  var target = sockaddr_in()
  target.sin_family = sa_family_t(AF_INET)
  target.sin_port = port.bigEndian
  guard inet_pton(AF_INET, address, &target.sin_addr) == 1 else { throw HarnessError("'\(address)' is no address") }
  return try withUnsafePointer(to: target) { pointer in
    try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      try body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
}
