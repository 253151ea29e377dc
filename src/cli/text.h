// SPDX-License-Identifier: Apache-2.0
// Text from outside, made fit for a terminal: nothing in it can move the cursor, change colours or break alignment.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace subfloor::cli {

// Control, formatting, combining and undecodable bytes become \x1b or \u{202e}; without utf8 so does all that is not
// ASCII.
[[nodiscard]] std::string printable(std::string_view text, bool utf8);

// Columns that printable text takes.
[[nodiscard]] std::size_t columns(std::string_view text);

// Printable text cut to at most width columns, the cut marked with an ellipsis.
[[nodiscard]] std::string shorten(std::string_view text, std::size_t width, bool utf8);

enum class Align : bool { left, right };
// Printable text in exactly width columns.
[[nodiscard]] std::string fit(std::string_view text, std::size_t width, bool utf8, Align align = Align::left);

// "870ns", "12.3ms", "1.23s", "12m05s": at most seven columns.
[[nodiscard]] std::string human_duration(Nanoseconds duration, bool utf8);
// "812B", "1.2K", "34M": at most five columns; powers of 1024.
[[nodiscard]] std::string human_size(std::uint64_t bytes);

}  // namespace subfloor::cli
