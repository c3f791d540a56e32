// SPDX-License-Identifier: Apache-2.0

import Foundation
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// Where the command runs: without privilege, in a namespace, without bpffs, with nobody who reads what it prints.
  @Suite(.serialized, .requiresRoot, .censused)
  struct CommandEnvironment {
    @Test(
      "a user without privilege is told which capability is missing, and changes nothing", .requires(tool: "setpriv"))
    func nobody() throws {
      let four = try Collection("four")
      let folder = try TemporaryFolder()
      chmod(folder.path, 0o755)
      let binary = folder.file("keyctl")
      try FileManager.default.copyItem(atPath: Tools.built("keyctl"), toPath: binary)
      let object = folder.file("four.bpf.o")
      try FileManager.default.copyItem(atPath: Fixture.object("four", clang: 19), toPath: object)
      chmod(binary, 0o755)
      chmod(object, 0o644)
      let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", binary]
      let key = "\(four.name)/key_false"
      for command in [["list"], ["show", key], ["is-enabled", key], ["enable", key], ["dump", "name:true_likely"]] {
        let result = try run(nobody + command)
        #expect(result.status == 5 && result.stdout == "", "\(result)")
        #expect(result.stderr.contains("needs CAP_SYS_ADMIN; run it as root"), "\(result)")
        #expect(result.stderr.split(separator: "\n").count == 1)
      }
      let load = try run(nobody + ["load", object, "--name", Collection.newName()])
      #expect(load.status == 5, "\(load)")
      // The directory for its pins comes before what CAP_BPF is needed for.
      #expect(load.stderr.contains("needs CAP_SYS_ADMIN; run it as root"), "\(load)")
      // What needs no privilege works without.
      let inspected = try run(nobody + ["inspect", object])
      #expect(inspected.status == 0 && inspected.stdout.contains("key_false"))
      #expect(try four.state("key_false") == .off)
    }

    @Test("under 'ip netns exec', whose /sys is private, load says so and what to do")
    func privateSys() throws {
      let namespace = try NetNS()
      let name = Collection.newName()
      let load = ["load", try Fixture.object("four", clang: 19), "--name", name]
      let inside = ["ip", "netns", "exec", namespace.name, try Tools.built("keyctl")]
      let result = try run(inside + load)
      #expect(result.status == 64 && result.stdout == "", "\(result)")
      #expect(result.stderr.contains("a /sys of its own, as 'ip netns exec \(namespace.name)' gives it"))
      #expect(result.stderr.contains("DEV@\(namespace.name)"))
      #expect(result.stderr.contains("nsenter --net=/run/netns/\(namespace.name)"))
      #expect(!CollectionStore().names().contains(name))

      // As it says: nsenter leaves /sys alone.
      try run(namespace.command([try Tools.built("keyctl")] + load)).checked()
      #expect(CollectionStore().names().contains(name))
      try keyctl("unload", name).checked()
    }

    @Test("where no bpffs is mounted, load mounts one", .requires(tool: "unshare"))
    func mountsBPFFS() throws {
      let name = Collection.newName()
      // A mount namespace of its own: the machine's bpffs stays where it is.
      let script = """
        set -e
        while umount /sys/fs/bpf 2>/dev/null; do :; done
        ! mountpoint -q /sys/fs/bpf
        "$0" load "$1" --name "$2"
        mountpoint /sys/fs/bpf
        "$0" enable "$2/key_false"
        ls /sys/fs/bpf/keyctl/"$2"/progs
        "$0" unload "$2"
        """
      let result = try run([
        "unshare", "--mount", "--propagation", "private", "sh", "-c", script, Tools.built("keyctl"),
        Fixture.object("four", clang: 19), name,
      ])
      #expect(result.status == 0, "\(result)")
      #expect(result.stdout.contains("/sys/fs/bpf is a mountpoint\n"))
      #expect(result.stdout.contains("\(name)/key_false: off -> on (2 programs"))
      #expect(result.stdout.contains("\nfalse_unlikely\n"))
      #expect(result.stdout.hasSuffix("unloaded \(name): 4 pins removed\n"))
      #expect(access("/sys/fs/bpf", F_OK) == 0 && !CollectionStore().names().contains(name))
    }

    @Test("a reader that is gone ends the command as it ends any other, or is told of where that is ignored")
    func closedPipe() throws {
      let four = try Collection("four")
      // By the time the command starts, `true` has ended and nobody holds the pipe's other end.
      let script = #"{ sleep 0.3; "$0" list "$1"; echo "status $?" >&2; } | true"#
      let killed = try run(["sh", "-c", script, Tools.built("keyctl"), "\(four.name)/*"])
      #expect(killed.stderr == "status 141\n", "SIGPIPE")
      let ignoring = try run(["sh", "-c", "trap '' PIPE; " + script, Tools.built("keyctl"), "\(four.name)/*"])
      #expect(ignoring.stderr == "keyctl: cannot write the output: Broken pipe\nstatus 74\n")
    }

    @Test("a flip is whole even if nobody reads its report")
    func flipIntoClosedPipe() throws {
      let four = try Collection("four")
      let script = #"{ sleep 0.3; "$0" enable "$1"; } | true"#
      _ = try run(["sh", "-c", script, Tools.built("keyctl"), "\(four.name)/key_false"])
      #expect(eventually(within: .seconds(2)) { (try? four.state("key_false")) == .on })
      #expect(try four.run("false_likely") == 1 && four.run("false_unlikely") == 1)
    }

    @Test("without any standard file open it works, and writes into no other file")
    func closedDescriptors() throws {
      let four = try Collection("four")
      let result = try run([
        "sh", "-c", #""$0" enable "$1" <&- >&- 2>&-; echo "$?""#, Tools.built("keyctl"), "\(four.name)/key_false",
      ])
      #expect(try four.state("key_false") == .on)
      #expect(["0\n", "74\n"].contains(result.stdout), "ended, by no signal: \(result)")
    }
  }
}
