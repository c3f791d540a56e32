// SPDX-License-Identifier: Apache-2.0

/// The name that the command was called by, which its texts follow.
enum InvocationName {
  /// `keyctl` or `bpf-keyctl`; under any other name the one that it is installed as.
  static let current: String = {
    let called = CommandLine.arguments.first?.split(separator: "/").last.map(String.init)
    return called == "keyctl" ? "keyctl" : "bpf-keyctl"
  }()

  /// Commands of keyutils' keyctl that this one does not have: whoever gives one of them means the other program.
  static let keyutilsVerbs: Set<String> = [
    "add", "chgrp", "chown", "clear", "describe", "dh_compute", "dh_compute_kdf", "get_persistent", "id", "instantiate",
    "invalidate", "link", "move", "negate", "new_session", "newring", "padd", "pinstantiate", "pipe", "pkey_decrypt",
    "pkey_encrypt", "pkey_query", "pkey_sign", "pkey_verify", "print", "prequest2", "pupdate", "purge", "rdescribe",
    "read", "reap", "reject", "request", "request2", "restrict_keyring", "revoke", "rlist", "search", "security",
    "session", "setperm", "show_session", "supports", "timeout", "unlink", "update", "watch_add", "watch_rm",
    "watch_session",
  ]
}
