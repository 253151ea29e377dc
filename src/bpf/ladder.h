// SPDX-License-Identifier: Apache-2.0
// Ladder: the ways a sensor can be attached, best first; climbed by trying each, never by version number.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace subfloor::bpf {

struct Refusal {
  std::string rung;
  std::string why;  // errno in words, with the verifier's last line where it had one
};

struct LadderReport {
  std::string sensor;
  std::string rung;                // "" where none could be had
  std::string lost;                // what this rung does not deliver, "" for the best
  std::vector<Refusal> refused;    // the better rungs
};

struct Rung {
  std::string_view name;
  std::string_view lost;
  std::function<Result<>()> attach;  // leaves nothing attached where it fails
};

// Tries the rungs in order (only `forced`, unless empty) and reports. An error where none could be attached; it names
// all.
[[nodiscard]] Result<> climb(const std::vector<Rung>& rungs, std::string_view forced, LadderReport& report);

}  // namespace subfloor::bpf
