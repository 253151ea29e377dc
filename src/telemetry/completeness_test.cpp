// SPDX-License-Identifier: Apache-2.0
#include "telemetry/completeness.h"

#include <gtest/gtest.h>

namespace subfloor {
namespace {

TEST(Completeness, IsOneWhereNothingWasSeen) { EXPECT_EQ(completeness_ratio({}), 1.0); }

TEST(Completeness, LeavesOutWhatWasFilteredOnPurpose) {
  EXPECT_DOUBLE_EQ(completeness_ratio({100, 50, 5}), 0.9);
  EXPECT_DOUBLE_EQ(completeness_ratio({100, 100, 0}), 1.0);
  EXPECT_DOUBLE_EQ(completeness_ratio({100, 0, 100}), 0.0);
}

TEST(Completeness, NeverLeavesZeroToOneWhenCountersWereReadApart) {
  EXPECT_EQ(completeness_ratio({10, 12, 0}), 1.0);
  EXPECT_EQ(completeness_ratio({10, 0, 12}), 0.0);
}

TEST(Completeness, OfAWindowIsThatOfItsOwnEvents) {
  Completeness completeness;
  EXPECT_DOUBLE_EQ(completeness.close_window({100, 0, 50}), 0.5);
  EXPECT_DOUBLE_EQ(completeness.close_window({200, 0, 50}), 1.0);
  EXPECT_DOUBLE_EQ(completeness.last_window(), 1.0);
  EXPECT_DOUBLE_EQ(completeness.total(), 0.75);
}

}  // namespace
}  // namespace subfloor
