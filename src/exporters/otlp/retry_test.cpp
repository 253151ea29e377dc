// SPDX-License-Identifier: Apache-2.0
#include "exporters/otlp/retry.h"

#include <gtest/gtest.h>

namespace subfloor::otlp {
namespace {

constexpr Nanoseconds second = 1'000'000'000;
constexpr RetryLimits limits{.initial = second, .longest = 8 * second, .give_up = 60 * second};

Reply failed(std::optional<Nanoseconds> wait = {}) { return {.kind = Reply::Kind::retry, .message = "", .wait = wait}; }

TEST(Retries, PauseTwiceAsLongEachTimeUpToALimit) {
  Retries retries(limits, 0, [] { return 0.5; });  // the middle of the jitter
  Nanoseconds now = 0;
  for (const Nanoseconds pause : {1U, 2U, 4U, 8U, 8U, 8U}) {
    const auto at = retries.again(failed(), now);
    ASSERT_TRUE(at);
    EXPECT_EQ(*at - now, pause * second);
    now = *at;
  }
}

TEST(Retries, SpreadTheirPauses) {
  EXPECT_EQ(*Retries(limits, 0, [] { return 0.0; }).again(failed(), 0), second / 2);
  const auto late = *Retries(limits, 0, [] { return 0.999; }).again(failed(), 0);
  EXPECT_GT(late, second * 14 / 10);
  EXPECT_LT(late, second * 15 / 10);
}

TEST(Retries, WaitAsLongAsTheServerAsks) {
  Retries retries(limits, 0, [] { return 0.5; });
  EXPECT_EQ(*retries.again(failed(20 * second), 0), 20 * second);
  EXPECT_EQ(*retries.again(failed(0), 0), 2 * second) << "but no less than their own pause";
}

TEST(Retries, GiveUpWhenTheNextAttemptWouldComeTooLate) {
  Retries retries(limits, 100 * second, [] { return 0.5; });
  EXPECT_TRUE(retries.again(failed(), 159 * second));
  EXPECT_FALSE(retries.again(failed(), 159 * second));
  EXPECT_FALSE(Retries(limits, 0, [] { return 0.5; }).again(failed(61 * second), 0));
}

}  // namespace
}  // namespace subfloor::otlp
