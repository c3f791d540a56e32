// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension KernelIdentity {
  /// The kernel that runs here.
  ///
  /// - Throws: `.kernel` or `.permission` if it has types that cannot be read.
  static func running() throws(StaticKeysError) -> KernelIdentity {
    var names = utsname()
    guard uname(&names) == 0 else { throw .kernel(Errno(rawValue: errno), "cannot read the kernel's name") }
    do throws(Errno) {
      let types = try FileText.readBytes("/sys/kernel/btf/vmlinux")
      return KernelIdentity(release: text(in: names.release), typesHash: hash(ofTypes: types))
    } catch .noSuchFileOrDirectory {
      return KernelIdentity(release: text(in: names.release), typesHash: 0)
    } catch {
      throw .kernel(error, "cannot read the kernel's types", at: Place(file: "/sys/kernel/btf/vmlinux"))
    }
  }
}
