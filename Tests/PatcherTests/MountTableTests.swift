// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Patcher

/// How /proc's tables of mounts are read.
@Suite struct MountTableTests {
  @Test(
    "what the kernel escapes comes out as it is",
    arguments: [
      (#"/sys/fs/bpf"#, "/sys/fs/bpf"), (#"/mnt/my\040bpf"#, "/mnt/my bpf"), (#"/a\011b\012c\134d"#, "/a\tb\nc\\d"),
      (#"/sn\303\266"#, "/sn\u{f6}"), (#"/x\04"#, #"/x\04"#), (#"/x\999"#, #"/x\999"#), (#"\"#, #"\"#), ("", ""),
    ])
  func unescaped(word: String, path: String) { #expect(BPFFS.unescaped(word) == path) }
}
