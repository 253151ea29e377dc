// SPDX-License-Identifier: Apache-2.0
// LibbpfLog: keeps what libbpf prints instead of letting it reach standard error.
#pragma once

#include <string>
#include <string_view>

namespace subfloor::bpf {

// Captures from its construction to its destruction what libbpf prints in any thread, the last 64 kB of it, and then
// gives the place back to who had it. One at a time: libbpf has one print function for the whole process.
class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;

  // Everything since the last take().
  [[nodiscard]] std::string take();
};

// Keeps a log that explains why something was refused, of all such together the last 256 kB: for bug reports.
void keep_refusal(std::string_view what, std::string_view log);
[[nodiscard]] std::string kept_refusals();

// The line of a verifier log that says what is wrong; "" where there is none: statistics and instructions are skipped.
[[nodiscard]] std::string last_meaningful_line(std::string_view log);

}  // namespace subfloor::bpf
