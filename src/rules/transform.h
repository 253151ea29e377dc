// SPDX-License-Identifier: Apache-2.0
// What transformers make of values.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "rules/program.h"

namespace subfloor::rules {

// `items` are the transformer's arguments, none absent or unknown. What comes out lies in text, or in texts and values.
// Absent where there is nothing: base64 that is none, an option that was not given.
[[nodiscard]] Value apply(const Term& term, std::span<const Value> items, std::string& text,
                          std::vector<std::string>& texts, std::vector<Value>& values);

}  // namespace subfloor::rules
