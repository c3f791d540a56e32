// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// Writes the tags that describe an object's static branches into its BTF.
public enum Annotator {
  /// What `annotate` did.
  public struct Report: Hashable, Sendable {
    /// All sites of the object, each with its tag in the output.
    public let sites: [ObjectSite]
    /// All places of its constants, likewise.
    public let immediates: [ObjectImmediate]
    /// How many tags the output has beyond those of the input.
    public let added: Int
    /// Whether a file was written; false if the output was the input and had all its tags.
    public let wroteFile: Bool
  }

  /// Annotates the object at `input` and writes it to `output`, or back to `input`.
  ///
  /// All or nothing: the object is written beside its destination, then renamed over it; after an error the destination
  /// is what it was. An object that has all its tags is not touched, so running it twice changes nothing.
  ///
  /// Throws what `ObjectFile.annotated()` does, and `.file`.
  @discardableResult
  public static func annotate(_ input: FilePath, output: FilePath? = nil) throws(StaticKeysError) -> Report {
    let annotated = try ObjectFile(path: input).annotated()
    let destination = try FileReplacement.destination(output ?? input)
    let inPlace = try FileReplacement.destination(input) == destination
    guard annotated.added > 0 || !inPlace else {
      return Report(sites: annotated.sites, immediates: annotated.immediates, added: 0, wroteFile: false)
    }
    try FileReplacement.write(annotated.bytes, to: destination, likeness: input)
    return Report(
      sites: annotated.sites, immediates: annotated.immediates, added: annotated.added, wroteFile: true)
  }

  /// The annotated object in memory, for `bpf_object__open_mem`. Throws what `ObjectFile.annotated()` does.
  public static func annotatedImage(of path: FilePath) throws(StaticKeysError) -> [UInt8] {
    try ObjectFile(path: path).annotated().bytes
  }
}
