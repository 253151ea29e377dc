// SPDX-License-Identifier: Apache-2.0
// CallLines: calls as lines of standard output: JSON as it is, or rows of a table.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/table.h"

namespace subfloor::cli {

class CallLines {
 public:
  explicit CallLines(bool json) : json_(json) {}

  // Measures the terminal, at first and when it has changed; appends what a reader should see then: the table's header.
  void begin(std::string& out);
  // Appends the line of a call that is given as JSON; false where that could not be read.
  [[nodiscard]] bool append(std::string& out, std::string_view call);

 private:
  bool json_;
  std::optional<Table> table_;
};

}  // namespace subfloor::cli
