// SPDX-License-Identifier: Apache-2.0
#include "telemetry/top.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "telemetry/testing.h"

namespace subfloor {
namespace {

using testing::SampleCall;
constexpr Nanoseconds ms = 1'000'000, s = 1000 * ms;

Observation with_route(const SampleCall& call, std::string_view route) {
  Observation observation = call.observation();
  observation.route = route;
  return observation;
}

TEST(Top, SumsCallsByRouteAndTellsBothTheIntervalAndTheTotal) {
  Top top({.by = TopBy::route}, 0);
  SampleCall failed;
  failed.call.status = 500;
  for (int i = 0; i < 3; ++i) top.add(with_route(SampleCall(), "/orders/{id}"));
  top.add(with_route(failed, "/orders/{id}"));
  top.add(SampleCall().observation());
  TopSnapshot first = top.next(2 * s, 10);
  ASSERT_EQ(first.rows.size(), 2U);
  EXPECT_EQ(first.rows[0].service, "nginx");
  EXPECT_EQ(first.rows[0].protocol, "http");
  EXPECT_EQ(first.rows[0].operation, "GET");
  EXPECT_EQ(first.rows[0].target, "/orders/{id}");
  EXPECT_EQ(first.rows[0].peer, "");
  EXPECT_EQ(first.rows[0].last.calls, 4U);
  EXPECT_EQ(first.rows[0].last.errors, 1U);
  EXPECT_EQ(first.rows[0].last.response_bytes, 4 * 612U);
  EXPECT_EQ(first.rows[1].target, "{other}");
  EXPECT_EQ(first.interval, 2 * s);
  EXPECT_EQ(first.recent_time, 2 * s);
  top.add(with_route(SampleCall(), "/orders/{id}"));
  const TopSnapshot second = top.next(3 * s, 10);
  EXPECT_EQ(second.rows[0].last.calls, 1U);
  EXPECT_EQ(second.rows[0].recent.calls, 5U);
  EXPECT_EQ(second.rows[0].total.calls, 5U);
  EXPECT_EQ(second.total.calls, 6U);
  EXPECT_EQ(second.recent_time, 3 * s);
}

TEST(Top, ForgetsInTheRateWhatIsOlderThanTenIntervals) {
  Top top({.by = TopBy::workload}, 0);
  top.add(SampleCall().observation());
  for (Nanoseconds now = 1; now <= 10; ++now) EXPECT_EQ(top.next(now * s, 10).recent.calls, 1U) << now;
  const TopSnapshot after = top.next(11 * s, 10);
  EXPECT_EQ(after.recent.calls, 0U);
  EXPECT_EQ(after.recent_time, 10 * s);
  EXPECT_EQ(after.rows.at(0).total.calls, 1U);
  EXPECT_FALSE(after.rows.at(0).duration) << "of calls that are gone there are no quantiles";
}

TEST(Top, GivesQuantilesOfTheDurationsThatAreKnown) {
  Top top({.by = TopBy::workload}, 0);
  for (int i = 0; i < 99; ++i) top.add(SampleCall().lasting(1 * ms).observation());
  top.add(SampleCall().lasting(900 * ms).observation());
  SampleCall partial;
  partial.call.partial = partial_joined_late;
  partial.lasting(5000 * ms);
  for (int i = 0; i < 100; ++i) top.add(partial.observation());
  const TopRow row = top.next(1 * s, 10).rows.at(0);
  ASSERT_TRUE(row.duration);
  EXPECT_NEAR(static_cast<double>(row.duration->p50), 1e6, 1e5);
  EXPECT_NEAR(static_cast<double>(row.duration->p95), 1e6, 1e5);
  EXPECT_NEAR(static_cast<double>(row.duration->p99), 1e6, 1e5);
  EXPECT_EQ(row.last.calls, 200U);
  EXPECT_EQ(row.last.partial, 100U);
}

TEST(Top, TellsPeersApartByTheBestNameThereIs) {
  Top top({.by = TopBy::peer}, 0);
  Process curl;
  curl.comm = "curl";
  SampleCall local, far, named, resolved;
  local.peer = &curl;
  named.call.kind = resolved.call.kind = Kind::client;
  named.connection.remote = resolved.connection.remote = testing::ipv4(10, 0, 0, 9, 5432);
  top.add(local.observation());
  top.add(far.observation());
  top.add(named.observation());
  Observation observation = resolved.observation();
  observation.server_name = "db.example";
  top.add(observation);
  std::vector<std::string> peers;
  for (const TopRow& row : top.next(1 * s, 10).rows) peers.push_back(row.peer);
  EXPECT_THAT(peers, ::testing::UnorderedElementsAre("curl", "127.0.0.2", "10.0.0.9:5432", "db.example"));
}

TEST(Top, TellsOtherProtocolsByOperationAndTarget) {
  static constexpr Family family{.name = "postgresql"};
  static constexpr Protocol protocol{"postgres", &family};
  SampleCall call;
  call.call.protocol = &protocol;
  call.call.operation = "SELECT";
  call.call.target = "orders";
  call.call.error = "42P01";
  for (const auto& [by, operation, target] :
       {std::tuple{TopBy::route, "SELECT", "orders"}, {TopBy::operation, "SELECT", ""}, {TopBy::workload, "", ""}}) {
    Top top({.by = by}, 0);
    top.add(call.observation());
    const TopRow row = top.next(1 * s, 10).rows.at(0);
    EXPECT_EQ(row.protocol, "postgresql");
    EXPECT_EQ(row.operation, operation);
    EXPECT_EQ(row.target, target);
    EXPECT_EQ(row.last.errors, 1U);
  }
}

std::uint64_t total_of(const TopSnapshot& snapshot) {
  std::uint64_t sum = snapshot.other_total.calls;
  for (const TopRow& row : snapshot.rows) sum += row.total.calls;
  return sum;
}

TEST(Top, HoldsItsRowsAndLosesNoCall) {
  Top top({.by = TopBy::operation, .max_rows = 20}, 0);
  std::uint64_t sent = 0;
  static constexpr Family family{.name = "toy"};
  static constexpr Protocol protocol{"toy", &family};
  for (Nanoseconds now = 1; now <= 200; ++now) {
    for (int i = 0; i < 50; ++i, ++sent) {
      SampleCall call;
      call.call.protocol = &protocol;
      call.call.operation = "op" + std::to_string(now) + "-" + std::to_string(i);
      top.add(call.observation());
    }
    const TopSnapshot snapshot = top.next(now * s, 5);
    EXPECT_LE(snapshot.rows.size(), 5U);
    EXPECT_EQ(snapshot.other_rows, 15U);
    EXPECT_EQ(snapshot.last.calls, 50U);
    ASSERT_EQ(snapshot.total.calls, sent);
    ASSERT_EQ(total_of(snapshot), sent);
  }
}

TEST(Top, MakesRoomForNewRowsWhereOldOnesAreIdle) {
  Top top({.by = TopBy::operation, .max_rows = 1}, 0);
  SampleCall get, post;
  post.call.operation = "POST";
  top.add(get.observation());
  for (Nanoseconds now = 1; now <= 11; ++now) (void)top.next(now * s, 10);
  top.add(post.observation());
  const TopSnapshot snapshot = top.next(12 * s, 10);
  ASSERT_EQ(snapshot.rows.size(), 1U);
  EXPECT_EQ(snapshot.rows[0].operation, "POST");
  EXPECT_EQ(snapshot.other_total.calls, 1U) << "the GET is not forgotten in the total";
}

}  // namespace
}  // namespace subfloor
