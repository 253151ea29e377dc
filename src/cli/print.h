// SPDX-License-Identifier: Apache-2.0
// Standard output of the subcommands that say one thing and end.
#pragma once

#include <string>

#include "cli/exit_code.h"

namespace subfloor::cli {

// Writes all of it. A reader that went away is none of its business; anything else that fails is Exit::failed.
[[nodiscard]] Exit print(const std::string& text);

}  // namespace subfloor::cli
