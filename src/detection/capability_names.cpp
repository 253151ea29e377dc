// SPDX-License-Identifier: Apache-2.0
#include <sys/capability.h>

#include <algorithm>
#include <cctype>

#include "detection/facts.h"

namespace subfloor::detection {

// "CAP_CHOWN CAP_DAC_OVERRIDE": libcap knows the names; a bit that it does not know is CAP_NUMBER.
rules::Value EventFacts::capabilities(std::uint64_t set) {
  std::string names;
  for (int bit = 0; bit < 64; ++bit) {
    if ((set >> bit & 1) == 0) continue;
    char* const name = cap_to_name(bit);
    std::string upper = name == nullptr ? "CAP_" + std::to_string(bit) : name;
    cap_free(name);
    std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    names.append(names.empty() ? "" : " ").append(upper);
  }
  return {std::string_view(keep(std::move(names)))};
}

}  // namespace subfloor::detection
