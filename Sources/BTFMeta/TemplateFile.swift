// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// Template files: what `keyctl template build` writes.
public enum TemplateFile {
  /// The template in a file; nil if it is no template file, such as an object.
  ///
  /// - Throws: `.file`; `.futureVersion`, `.corruptedTemplate` for a template file that cannot be used.
  public static func readIfTemplate(_ path: FilePath) throws(StaticKeysError) -> CollectionTemplate? {
    guard let bytes = try FileContents.read(path, if: CollectionTemplate.isEncoded) else { return nil }
    return try located(at: Place(file: path.string)) { () throws(StaticKeysError) in
      try CollectionTemplate(decoding: bytes)
    }
  }

  /// Whether a file begins as a template file does.
  public static func isTemplate(_ path: FilePath) -> Bool {
    (try? FileContents.read(path, if: CollectionTemplate.isEncoded)) != nil
  }

  /// The template in a file.
  ///
  /// - Throws: as `readIfTemplate`; `.corruptedTemplate` for any other file.
  public static func read(_ path: FilePath) throws(StaticKeysError) -> CollectionTemplate {
    guard let template = try readIfTemplate(path) else {
      throw StaticKeysError(
        .corruptedTemplate, "not a template file", at: Place(file: path.string),
        advice: "make one of an object with 'template build'")
    }
    return template
  }

  /// - Throws: `.usage` if the output is the object that a template is to be made of, by whatever path; `.file`.
  public static func requireOutput(_ path: FilePath, besides object: FilePath) throws(StaticKeysError) {
    guard try !FileReplacement.isSame(path, object) else {
      throw StaticKeysError(
        .usage, "the template would take the place of the object", at: Place(file: path.string),
        advice: "name another file to write to")
    }
  }

  /// Writes a template, beside its destination and then renamed over it, so that nobody ever sees a part of it.
  ///
  /// - Parameter object: whose owner and mode a new file gets.
  /// - Returns: how many bytes the file has.
  /// - Throws: `.file`; what was there is there still.
  @discardableResult
  public static func write(
    _ template: CollectionTemplate, to path: FilePath, likeness object: FilePath
  ) throws(StaticKeysError) -> Int {
    let bytes = template.encoded()
    try FileReplacement.write(bytes, to: FileReplacement.destination(path), likeness: object)
    return bytes.count
  }
}
