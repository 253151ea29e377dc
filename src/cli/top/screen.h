// SPDX-License-Identifier: Apache-2.0
// Screen: the terminal while a view has all of it. Whatever ends the program, the terminal is as it was afterwards,
// SIGKILL excepted.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"

namespace subfloor::cli {

class Screen {
 public:
  struct Size {
    std::size_t columns = 80, rows = 24;
  };

  // Of standard input and output, both terminals; there is one at a time.
  [[nodiscard]] static Result<std::unique_ptr<Screen>> make();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Gives the terminal back, and takes it again: around a stop of the job.
  void leave();
  void enter();

  [[nodiscard]] Size size() const;

 private:
  Screen() = default;
  bool entered_ = false;
};

}  // namespace subfloor::cli
