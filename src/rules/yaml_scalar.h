// SPDX-License-Identifier: Apache-2.0
// A scalar of YAML, each of its bytes mapped to where it was written: through folding, block indentation and escapes.
#pragma once

#include <string_view>

#include "rules/mapped_text.h"

namespace subfloor::rules {

// `begin` is where the scalar starts in the source's text: its tag or anchor, its quote, its '|' or '>', or its first
// character. Where the two cannot be brought together, all that follows is at the last place that could be told.
[[nodiscard]] MappedText map_scalar(std::string_view value, std::string_view source, Place begin);

}  // namespace subfloor::rules
