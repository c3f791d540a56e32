// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import StaticKeys
import Testing

/// Expects a failure of this kind whose one-line text has all these parts.
func expectFailure(
  _ code: StaticKeysError.Code, _ parts: String..., location: SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) {
  do {
    try body()
    Issue.record("nothing was thrown", sourceLocation: location)
  } catch let error as StaticKeysError {
    #expect(error.code == code, "\(error)", sourceLocation: location)
    for part in parts {
      #expect(error.description.contains(part), "\(error)", sourceLocation: location)
    }
  } catch {
    Issue.record("\(error)", sourceLocation: location)
  }
}
