// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <gtest/gtest.h>

namespace subfloor::cli {
namespace {

constexpr Nanoseconds second = 1'000'000'000;

TEST(Progress, TellsHowFarHowFastAndHowLong) {
  EXPECT_EQ(Progress::text(100 << 20, 900 << 20, 12345, 2 * second),
            "100M of 900M (11 %) · 12345 calls · 50M/s · 16s left");
}

TEST(Progress, TellsNoEndThatNobodyKnows) {
  EXPECT_EQ(Progress::text(100 << 20, 0, 1, 2 * second), "100M · 1 call · 50M/s");
}

TEST(Progress, TellsNoSpeedBeforeItCanKnowOne) {
  EXPECT_EQ(Progress::text(1 << 20, 4 << 20, 0, second / 10), "1.0M of 4.0M (25 %) · 0 calls");
  EXPECT_EQ(Progress::text(0, 4 << 20, 0, 5 * second), "0B of 4.0M (0 %) · 0 calls");
}

}  // namespace
}  // namespace subfloor::cli
