// SPDX-License-Identifier: Apache-2.0
// Viewer: takes calls as JSON and shows them, as they are or as a table, until there are enough.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "base/reactor.h"
#include "cli/call_lines.h"
#include "cli/output.h"

namespace subfloor::cli {

class Viewer {
 public:
  struct Options {
    bool json = false;
    std::uint64_t limit = 0;  // 0: none
    std::function<void()> before_end = {};  // what is still to be shown when it is enough, unless it is the limit
  };

  // Shows at standard output, and stops the reactor when all has been said.
  [[nodiscard]] static Result<std::unique_ptr<Viewer>> make(Reactor& reactor, const Options& options);

  void on_call(std::string_view json);
  // The terminal's size has changed.
  void resize();
  // Enough: what waits is written, then the reactor stops.
  void finish();
  // The same, but waits only a moment for a reader that reads no more; asked a second time, not at all.
  void interrupt();

  [[nodiscard]] std::uint64_t shown() const { return shown_; }
  // Calls that standard output was too slow for.
  [[nodiscard]] std::uint64_t dropped() const { return output_->dropped(); }
  // errno of standard output, 0 while all is well.
  [[nodiscard]] int error() const { return error_; }

 private:
  Viewer(Reactor& reactor, const Options& options);

  Reactor& reactor_;
  Options options_;
  CallLines lines_;
  std::uint64_t shown_ = 0;
  bool finishing_ = false, interrupted_ = false;
  int error_ = 0;
  std::string line_;
  std::unique_ptr<Output> output_;  // last: its thread posts to the reactor
};

}  // namespace subfloor::cli
