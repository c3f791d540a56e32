// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A thread for one piece of work, which ends with it.
enum OwnThread {
  private final class Work {
    let body: () -> Void

    init(_ body: @escaping () -> Void) { self.body = body }
  }

  /// Runs `body` on a thread of its own and waits for it: what it does to the thread, such as entering a namespace, goes
  /// with the thread and cannot fail to be undone.
  ///
  /// The C functions are `pthread_create` and `pthread_join`.
  static func run<R>(_ body: () throws(StaticKeysError) -> R) throws(StaticKeysError) -> R {
    var result: Result<R, StaticKeysError>?
    let status = withoutActuallyEscaping(body) { body in
      withUnsafeMutablePointer(to: &result) { result in
        start(Work { result.pointee = Result(catching: body) })
      }
    }
    guard status == 0, let result else { throw .kernel(Errno(rawValue: status), "cannot start a thread") }
    return try result.get()
  }

  private static func start(_ work: Work) -> Int32 {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    // Musl's default is too small for libbpf.
    pthread_attr_setstacksize(&attributes, 1 << 20)
    var thread = pthread_t()
    // SAFETY: the reference is taken back by the thread, or here if there is none; it has ended before this returns.
    let reference = Unmanaged.passRetained(work)
    let status = pthread_create(
      &thread, &attributes,
      { raw in
        if let raw { Unmanaged<Work>.fromOpaque(raw).takeRetainedValue().body() }
        return nil
      }, reference.toOpaque())
    guard status == 0 else {
      reference.release()
      return status
    }
    return pthread_join(thread, nil)
  }
}
