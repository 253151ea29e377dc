// SPDX-License-Identifier: Apache-2.0
#include "cli/call_lines.h"

#include <unistd.h>

#include "base/log.h"

namespace subfloor::cli {

void CallLines::begin(std::string& out) {
  if (json_) return;
  table_.emplace(look_of(STDOUT_FILENO));
  out += table_->header();
}

bool CallLines::append(std::string& out, std::string_view call) {
  if (json_) {
    out.append(call).push_back('\n');
    return true;
  }
  const auto row = parse_row(call);
  if (!row) {
    LOG_WARN("a call could not be read: {} bytes", call.size());
    return false;
  }
  out += table_->row(*row);
  return true;
}

}  // namespace subfloor::cli
