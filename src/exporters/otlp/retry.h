// SPDX-License-Identifier: Apache-2.0
// When to try again: exponential backoff with jitter, unless the server says when.
#pragma once

#include <functional>
#include <optional>

#include "base/clock.h"
#include "exporters/otlp/transport.h"

namespace subfloor::otlp {

struct RetryLimits {
  Nanoseconds initial = 1'000'000'000;    // the first pause, give or take half of it
  Nanoseconds longest = 30'000'000'000;   // no pause of our own is longer
  Nanoseconds give_up = 300'000'000'000;  // a batch is dropped where its next attempt would come later than this
  bool operator==(const RetryLimits&) const = default;
};

// The attempts of one batch.
class Retries {
 public:
  // random: a number from 0 to below 1.
  using Random = std::function<double()>;

  Retries(const RetryLimits& limits, Nanoseconds first_attempt, Random random)
      : limits_(limits), first_attempt_(first_attempt), random_(std::move(random)), pause_(limits.initial) {}

  // When to try again after a reply of Kind::retry; nothing where the batch is to be given up.
  [[nodiscard]] std::optional<Nanoseconds> again(const Reply& reply, Nanoseconds now);

 private:
  RetryLimits limits_;
  Nanoseconds first_attempt_;
  Random random_;
  Nanoseconds pause_;
};

}  // namespace subfloor::otlp
