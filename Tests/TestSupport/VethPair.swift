// SPDX-License-Identifier: Apache-2.0

/// Two namespaces joined by a veth pair, with addresses and neighbours set: the only packets are those a test sends.
public final class VethPair: Sendable {
  /// Where packets come from.
  public let sender: NetNS
  /// Where they arrive, and where programs are attached.
  public let receiver: NetNS

  /// The interface in `sender`.
  public static let senderDevice = "tx0"
  /// The interface in `receiver`.
  public static let receiverDevice = "rx0"
  /// The sender's address.
  public static let senderAddress = "10.77.0.1"
  /// The receiver's address.
  public static let receiverAddress = "10.77.0.2"

  /// The receiving interface as a keyctl hook names it.
  public var receiverHook: String { "\(Self.receiverDevice)@\(receiver.name)" }

  /// Makes both namespaces and the pair. Needs root.
  public init() throws {
    sender = try NetNS()
    receiver = try NetNS()
    let (tx, rx) = (Self.senderDevice, Self.receiverDevice)
    let (txMAC, rxMAC) = ("02:00:00:00:00:01", "02:00:00:00:00:02")
    try run(
      [
        "ip", "link", "add", tx, "netns", sender.name, "address", txMAC, "type", "veth",
        "peer", "name", rx, "netns", receiver.name, "address", rxMAC,
      ]
    ).checked()
    try sender.ip(
      """
      address add \(Self.senderAddress)/24 dev \(tx)
      link set \(tx) up
      neighbour add \(Self.receiverAddress) lladdr \(rxMAC) nud permanent dev \(tx)
      """ + "\n")
    try receiver.ip(
      """
      address add \(Self.receiverAddress)/24 dev \(rx)
      link set \(rx) up
      neighbour add \(Self.senderAddress) lladdr \(txMAC) nud permanent dev \(rx)
      """ + "\n")
  }

  /// How many packets the receiving interface has counted.
  public func receivedPackets() throws -> Int {
    try count("rx", "packets", of: Self.receiverDevice, in: receiver)
  }

  /// How many packets the pair has lost between its ends, for want of room in the receiver's ring.
  public func droppedPackets() throws -> Int { try count("tx", "dropped", of: Self.senderDevice, in: sender) }

  private func count(_ direction: String, _ what: String, of device: String, in namespace: NetNS) throws -> Int {
    let command = ["ip", "-n", namespace.name, "-json", "-statistics", "link", "show", device]
    let text = try run(command).checked().stdout
    guard let count = try JSON(parsing: text)[0]?["stats64"]?[direction]?[what]?.int else {
      throw HarnessError("ip shows no count of \(direction) \(what):\n\(text)")
    }
    return count
  }
}
