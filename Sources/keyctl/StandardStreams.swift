// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
  // stdout and stderr are variables in glibc's headers, which nobody changes.
  @preconcurrency import Glibc
#elseif canImport(Musl)
  @preconcurrency import Musl
#endif

/// Makes stdout come out line by line into a pipe too.
func bufferStandardOutputByLine() { setvbuf(stdout, nil, _IOLBF, 0) }

/// Prints a line to stderr.
func standardError(_ line: String) { fputs(line + "\n", stderr) }
