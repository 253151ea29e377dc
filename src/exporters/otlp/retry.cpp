// SPDX-License-Identifier: Apache-2.0
#include "exporters/otlp/retry.h"

#include <algorithm>

namespace subfloor::otlp {

std::optional<Nanoseconds> Retries::again(const Reply& reply, Nanoseconds now) {
  const auto jittered = static_cast<Nanoseconds>(static_cast<double>(pause_) * (0.5 + random_()));
  pause_ = std::min(pause_ * 2, limits_.longest);
  // A server that asks for patience gets it, but no shorter pause than our own: it may ask for none.
  const Nanoseconds at = now + std::max(std::min(jittered, limits_.longest), reply.wait.value_or(0));
  if (at > first_attempt_ + limits_.give_up) return std::nullopt;
  return at;
}

}  // namespace subfloor::otlp
