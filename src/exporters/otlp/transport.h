// SPDX-License-Identifier: Apache-2.0
// One request to a collector and its answer, whatever carries them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"

namespace subfloor::otlp {

struct Reply {
  enum class Kind : std::uint8_t {
    accepted,
    retry,    // may succeed later: no connection, overload, a gateway's failure
    refused,  // will not
  };
  Kind kind = Kind::accepted;
  std::uint64_t rejected = 0;       // of an accepted request: spans or points that were not taken (partial success)
  std::string message{};            // the server's words, or the cause: hostile, and not scrubbed yet
  std::optional<Nanoseconds> wait{};  // the server asks for no request before this long
};

class Transport {
 public:
  virtual ~Transport() = default;

  // Sends a serialised Export…ServiceRequest and waits for the answer, at most as long as the target's timeout.
  [[nodiscard]] virtual Reply send(const std::string& request) = 0;

  // No call lasts beyond this instant (CLOCK_MONOTONIC), nor does the one under way, give or take a second. Any thread
  // may call it.
  virtual void limit(Nanoseconds instant) = 0;
};

}  // namespace subfloor::otlp
