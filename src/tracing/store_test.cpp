// SPDX-License-Identifier: Apache-2.0
#include "tracing/store.h"

#include <gtest/gtest.h>

namespace subfloor::tracing {
namespace {

struct Kept {
  Store store{std::size_t{64} << 10};
  Process process;
  Connection connection;

  void add(std::uint64_t trace, Nanoseconds start, std::size_t path = 10) {
    Call call;
    call.start = start;
    call.end = start + 5;
    call.operation = "GET";
    call.path = std::string(path, 'p') + std::to_string(start);
    const Observation observation{.call = call,
                                  .connection = connection,
                                  .process = process,
                                  .peer = nullptr,
                                  .trace_id = {},
                                  .span_id = {},
                                  .parent_span_id = {},
                                  .service = "shop"};
    store.add(observation, {trace, 1}, start, 0);
  }
};

TEST(Store, GivesTheCallsOfATraceByWhenTheyBegan) {
  Kept kept;
  kept.add(7, 30);
  kept.add(8, 10);
  kept.add(7, 20);
  const auto calls = kept.store.find({7, 1});
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].start, 20);
  EXPECT_EQ(calls[1].start, 30);
  EXPECT_EQ(calls[0].service, "shop");
  EXPECT_EQ(calls[0].operation, "GET");
  EXPECT_EQ(calls[0].target, "pppppppppp20");
}

// Whatever the lengths, each of those kept is whole, and they are the newest.
TEST(Store, KeepsTheNewestInItsMemory) {
  Kept kept;
  std::size_t most = 0;
  for (Nanoseconds i = 1; i <= 20000; ++i) {
    kept.add(i % 3, i, i * 7919 % 150);
    most = std::max(most, kept.store.size());
    if (i % 997 != 0) continue;
    std::size_t all = 0;
    Nanoseconds oldest = i;
    for (std::uint64_t trace = 0; trace < 3; ++trace) {
      for (const KeptCall& call : kept.store.find({trace, 1})) {
        ++all;
        oldest = std::min(oldest, call.start);
        EXPECT_EQ(call.target, std::string(call.start * 7919 % 150, 'p') + std::to_string(call.start));
      }
    }
    ASSERT_EQ(all, kept.store.size());
    ASSERT_EQ(oldest, i - all + 1);
  }
  EXPECT_GT(most, 200U);
  EXPECT_LT(most, 700U);
}

TEST(Store, KeepsNothingWhereItMayNot) {
  Store store(0);
  EXPECT_FALSE(store.keeps());
  EXPECT_TRUE(store.find({1, 1}).empty());
}

}  // namespace
}  // namespace subfloor::tracing
