// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// Finds the function that holds a byte of code.
struct FunctionIndex {
  /// What lies at a byte.
  enum Holder: Equatable {
    case function(ObjectFunction)
    /// Functions share the code, as two names of one function do: no telling whose it is.
    case overlap(ObjectFunction, ObjectFunction)
    case nothing
  }

  /// In the order of section and byte, without empty ones.
  private let functions: [ObjectFunction]
  /// For each, which of those up to it in its section ends last.
  private let lastToEnd: [Int]

  /// An index of functions in the order of section and byte, as `ObjectFile.functions` has them.
  init(_ sorted: [ObjectFunction]) {
    let functions = sorted.filter { $0.byteCount > 0 }
    var lastToEnd: [Int] = []
    for (index, function) in functions.enumerated() {
      if let last = lastToEnd.last, functions[last].sectionIndex == function.sectionIndex,
        functions[last].end > function.end
      {
        lastToEnd.append(last)
      } else {
        lastToEnd.append(index)
      }
    }
    self.functions = functions
    self.lastToEnd = lastToEnd
  }

  func holder(ofByte byte: UInt64, section: Int) -> Holder {
    var low = 0
    var high = functions.count
    while low < high {
      let middle = (low + high) / 2
      let function = functions[middle]
      if (function.sectionIndex, function.start.rawValue) <= (section, byte) { low = middle + 1 } else { high = middle }
    }
    let index = low - 1
    guard index >= 0, functions[index].sectionIndex == section, functions[lastToEnd[index]].end > byte else {
      return .nothing
    }
    let function = functions[index]
    if index > 0, functions[index - 1].sectionIndex == section {
      let before = functions[lastToEnd[index - 1]]
      if before.end > function.start.rawValue { return .overlap(before, function) }
    }
    if low < functions.count, functions[low].sectionIndex == section, functions[low].start.rawValue < function.end {
      return .overlap(function, functions[low])
    }
    return .function(function)
  }
}
