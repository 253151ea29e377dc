// SPDX-License-Identifier: Apache-2.0
// What standard output is, and what may be written to it.
#pragma once

#include <cstddef>
#include <string>

namespace subfloor::cli {

// How text for people is drawn.
struct Look {
  std::size_t width = 0;  // in columns; 0: lines are as long as they are
  bool colour = false;
  bool utf8 = true;       // else ASCII alone
};

using Lookup = const char* (*)(const char* variable);

// Colours on a terminal unless NO_COLOR is set or TERM is dumb; UTF-8 unless the locale says otherwise.
[[nodiscard]] Look look_of(int fd, Lookup environment);
[[nodiscard]] Look look_of(int fd);

// Columns of the terminal, 0 where fd is none.
[[nodiscard]] std::size_t terminal_width(int fd);

}  // namespace subfloor::cli
