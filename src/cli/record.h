// SPDX-License-Identifier: Apache-2.0
// `subfloor record`: what the kernel delivers, into a file that `replay` reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/config.h"
#include "cli/exit_code.h"

namespace subfloor::cli {

struct RecordOptions {
  std::string config;                             // path, "" for the default
  std::string file;
  Nanoseconds duration = 0;                       // 0: until Ctrl-C
  std::uint64_t limit = std::uint64_t{1} << 30;   // bytes of the file
  bool replace = false;
  std::string rung;
  std::optional<agent::Ports> ports;
};

[[nodiscard]] Exit record(const RecordOptions& options);

}  // namespace subfloor::cli
