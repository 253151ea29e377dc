// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <cstring>

namespace subfloor {

std::string errno_text(int error_number) {
  const char* name = strerrorname_np(error_number);
  return fmt::format("{} ({})", strerrordesc_np(error_number) ? strerrordesc_np(error_number) : "unknown error",
                     name ? name : std::to_string(error_number).c_str());
}

Failure fail_errno(const std::string& doing, int error_number) {
  return fail(doing + ": " + errno_text(error_number), error_number);
}

}  // namespace subfloor
