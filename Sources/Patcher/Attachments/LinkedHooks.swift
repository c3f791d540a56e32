// SPDX-License-Identifier: Apache-2.0

/// One hook that a link holds a program on, as far as the link tells: an interface's index says nothing of its namespace.
struct LinkedHook: Hashable, Sendable {
  let kind: LinkKind
  let program: UInt32
  /// An interface's index, or the number of a cgroup, a namespace or a map.
  let target: UInt64
  let attachType: UInt32
}

/// How many links hold a program on a hook: what asking the hook itself shows too, and is not to be listed twice.
struct LinkedHooks: Sendable {
  private var counts: [LinkedHook: Int] = [:]

  mutating func insert(_ hook: LinkedHook) { counts[hook, default: 0] += 1 }

  func count(_ hook: LinkedHook) -> Int { counts[hook] ?? 0 }
}
