// SPDX-License-Identifier: Apache-2.0
// The command line: subcommands, their flags and help.
#pragma once

namespace subfloor::cli {

// All of main(); returns the program's exit code (exit_code.h).
[[nodiscard]] int run(int argc, const char* const* argv);

}  // namespace subfloor::cli
