// SPDX-License-Identifier: Apache-2.0
// What a session allocates: nothing in a steady stream of calls, and never more than the stated bound.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "protocols/redis/conversation.h"
#include "support/counted_memory.h"

namespace subfloor::protocols::redis {
namespace {

using namespace testing;

class Discard final : public CallSink {
 public:
  void on_call(Call&) override { ++count; }
  std::size_t count = 0;
};

TEST(RedisMemory, AllocatesNothingInASteadyStreamOfCalls) {
  Discard sink;
  const auto session = redis_descriptor.open(Options{});
  const std::string commands = array("GET a") + array("MGET a b c") + array("LPUSH a b") + array("CONFIG GET a");
  const std::string replies = bulk("value") + "*3\r\n_\r\n_\r\n_\r\n-WRONGTYPE Operation\r\n%0\r\n";
  Nanoseconds now = 0;
  const auto exchange = [&] {
    now += 1000;
    for (std::size_t at = 0; at < commands.size(); at += 20) {
      const std::string_view part = std::string_view(commands).substr(at, 20);
      (void)session->on_segment({Direction::inbound, part, part.size(), now, now + 10, 1, 1}, sink);
    }
    (void)session->on_segment({Direction::outbound, replies, replies.size(), now + 100, now + 110, 1, 1}, sink);
  };
  for (int i = 0; i < 3; ++i) exchange();
  const std::int64_t before = allocations;
  for (int i = 0; i < 1000; ++i) exchange();
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(sink.count, 4012U);
}

TEST(RedisMemory, HoldsNoMoreThanTheBoundWhateverThePeersSend) {
  Options options;
  options.extras.key_names = true;
  Discard sink;
  std::int64_t most = 0;
  const std::string command = array("GET " + std::string(1000, 'k')) + "GET\r\n";
  const std::string bad = "-" + std::string(100000, 'E') + " x\r\n" + "*?\r\n*?\r\n*?\r\n$?\r\n;1\r\na\r\n";
  const std::int64_t before = live_bytes;
  auto session = redis_descriptor.open(options);
  for (Nanoseconds now = 0; now < 3'000'000; now += 100) {
    (void)session->on_segment({Direction::inbound, command, command.size(), now, now + 10, 1, 1}, sink);
    if (now % 1000 == 0) most = std::max(most, live_bytes - before);
  }
  (void)session->on_segment({Direction::outbound, bad, bad.size(), 4'000'000, 4'000'010, 1, 1}, sink);
  EXPECT_LE(std::max(most, live_bytes - before), static_cast<std::int64_t>(session_memory_limit));
  EXPECT_GT(most, 100'000);
  session.reset();
  EXPECT_EQ(live_bytes, before);
}

TEST(RedisMemory, OnceDrainedItHoldsLittle) {
  Discard sink;
  const std::int64_t before = live_bytes;
  const auto session = redis_descriptor.open(Options{});
  const std::string command = array("GET k");
  for (int i = 0; i < 3000; ++i)
    (void)session->on_segment({Direction::inbound, command, command.size(), 1, 2, 1, 1}, sink);
  for (int i = 0; i < 3000; ++i) (void)session->on_segment({Direction::outbound, ":1\r\n", 4, 3, 4, 1, 1}, sink);
  session->on_tick(5, sink);
  EXPECT_EQ(sink.count, 3000U);
  EXPECT_LT(live_bytes - before, 4096);
}

}  // namespace
}  // namespace subfloor::protocols::redis
