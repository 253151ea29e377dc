// SPDX-License-Identifier: Apache-2.0
// The program's exit codes. Scripts rely on them.
#pragma once

#include "base/result.h"

namespace subfloor::cli {

enum class Exit : int {
  done = 0,          // Ctrl-C of a live view too, and a reader that went away
  check_failed = 1,
  usage = 2,         // flags or configuration
  unsupported = 3,   // this kernel, or these privileges, cannot do it
  failed = 4,        // run time: port in use, no agent, disk full
};

// What an agent that did not start means.
[[nodiscard]] Exit exit_for(const Error& error);

// Writes "subfloor: message" to standard error and returns the code.
Exit complain(Exit code, const std::string& message);

// The same for an agent that did not start; names the capabilities that are missing where that is the cause.
Exit complain_no_start(const Error& error);

}  // namespace subfloor::cli
