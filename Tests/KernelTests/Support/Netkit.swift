// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// A pair of netkit devices (Linux 6.7, CONFIG_NETKIT), which our own kernel in the guests has.
enum Netkit {
  /// The one whose packets the programs of the other's `netkit_peer` hook get.
  static let peer = "nk0"

  /// Whether this kernel has them.
  static let isThere = (try? withExtendedLifetime(NetNS()) { try make(in: $0) }) != nil

  /// Makes `primary` and its peer.
  static func make(in namespace: NetNS) throws { try namespace.ip("link add primary type netkit\n") }
}
