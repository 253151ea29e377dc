// SPDX-License-Identifier: Apache-2.0
// Progress: one line at the terminal's bottom that says how far a long file has been read.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"

namespace subfloor::cli {

class Progress {
 public:
  // Shows itself only where standard error is a terminal.
  Progress();
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // total 0: nobody knows. Draws a few times a second at most.
  void show(std::uint64_t bytes, std::uint64_t total, std::uint64_t calls);
  // Takes the line away, for others to write.
  void clear();

  // "12.0M of 1.2G (1 %) · 3,456 calls · 250M/s · 5s left"; of a total that is not known, and of a beginning too short
  // to tell a speed by, what there is to say.
  [[nodiscard]] static std::string text(std::uint64_t bytes, std::uint64_t total, std::uint64_t calls,
                                        Nanoseconds elapsed);

 private:
  bool visible_;
  bool drawn_ = false;
  Nanoseconds began_, next_;
};

}  // namespace subfloor::cli
