// SPDX-License-Identifier: Apache-2.0
// A board as lines of text: pure, for a terminal of any size and for none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"
#include "cli/top/board.h"

namespace subfloor::cli {

// What a person chose.
struct TopControls {
  TopSort sort = TopSort::rate;
  bool inverted = false;
  bool paused = false;
  bool help = false;
  bool typing = false;   // the text to filter by
  std::string text = {};  // that rows have to contain
  std::size_t first = 0; // row on top
};

// At most `height` lines, each at most look.width columns, without line ends; height 0: as many as there are rows, and
// look.width 0: as long as they get.
[[nodiscard]] std::vector<std::string> draw_top(const Board& board, const TopControls& controls, const Look& look,
                                                std::size_t height);

// Rows of the board that fit.
[[nodiscard]] std::size_t rows_per_page(std::size_t height);

// The newest values as bars of one column each, `width` of them; the greatest of those shown is the full height.
[[nodiscard]] std::string sparkline(const std::deque<double>* values, std::size_t width, bool utf8);

}  // namespace subfloor::cli
