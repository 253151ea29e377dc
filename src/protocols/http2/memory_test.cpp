// SPDX-License-Identifier: Apache-2.0
// What a session allocates: nothing in a steady stream of calls, and never more than the stated bound.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "protocols/http2/conversation.h"
#include "support/counted_memory.h"

namespace subfloor::protocols::http2 {
namespace {

using namespace testing;

class Discard final : public CallSink {
 public:
  void on_call(Call&) override { ++count; }
  std::size_t count = 0;
};

Segment segment(Direction direction, std::string_view bytes, Nanoseconds now) {
  return {direction, bytes, bytes.size(), now, now + 10, 1, 1};
}

TEST(Http2Memory, AllocatesNothingInASteadyStreamOfCalls) {
  constexpr std::uint32_t rounds = 200, streams = 50;
  Writer client, server;
  std::vector<std::string> up, down;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    std::string requests, responses;
    for (std::uint32_t i = 0; i < streams; ++i) {
      const std::uint32_t id = (round * streams + i) * 2 + 1;
      const Fields fields = with(get("/items/" + std::to_string(id % 100)), {{"x-number", std::to_string(id)}});
      requests += client.headers(id, fields);
      responses += server.headers(id, status(200), false) + data(id, "hello");
    }
    up.push_back(std::move(requests));
    down.push_back(std::move(responses));
  }
  Discard sink;
  Http2Session session(Options{});
  const std::string start = client_start();
  (void)session.on_segment(segment(Direction::inbound, start, 1), sink);
  std::int64_t before = 0;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    if (round == rounds / 2) before = allocations;
    (void)session.on_segment(segment(Direction::inbound, up[round], round * 100), sink);
    (void)session.on_segment(segment(Direction::outbound, down[round], round * 100 + 50), sink);
  }
  EXPECT_EQ(sink.count, rounds * streams);
  EXPECT_EQ(allocations - before, 0);
}

TEST(Http2Memory, TableMemoryServesASteadyStreamWithoutGrowing) {
  Writer client;
  HeaderReader reader(true);
  std::size_t before = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string block = client.block(
        with(get("/" + std::to_string(i)), {{"x-number", std::string(100, static_cast<char>('a' + i % 26))}}));
    reader.begin();
    reader.take(block, {});
    reader.end();
    if (i == 1000) before = reader.memory();
  }
  EXPECT_EQ(reader.memory(), before);
  EXPECT_LT(before, 256u * 1024);
}

// As many streams as possible that never end, with headers as long as possible, and tables as large as possible.
TEST(Http2Memory, StaysBelowItsBoundWhateverThePeerSends) {
  Discard sink;
  const std::int64_t before = live_bytes;
  Options options;
  options.header_limit = 1 << 20;
  Http2Session session(options);
  Writer client(65536), server(65536);
  client.resize_table(65536);
  server.resize_table(65536);
  const std::string start = client_start();
  (void)session.on_segment(segment(Direction::inbound, start, 1), sink);
  std::int64_t most = 0;
  for (std::uint32_t i = 0; i < 3000; ++i) {
    const std::uint32_t id = 2 * i + 1;
    const std::string large(i % 3 == 0 ? 15'000 : 100, 'x');
    const std::string request =
        client.headers(id, with(get("/" + large), {{"a" + std::to_string(i), large}, {"b", large}}), false);
    (void)session.on_segment(segment(Direction::inbound, request, i * 100), sink);
    const std::string response = server.headers(id, with(status(200), {{"c" + std::to_string(i), large}}), false);
    (void)session.on_segment(segment(Direction::outbound, response, i * 100 + 50), sink);
    most = std::max(most, live_bytes - before + static_cast<std::int64_t>(session.table_memory()));
  }
  EXPECT_LT(most, static_cast<std::int64_t>(session_memory_limit));
  EXPECT_GT(most, 1024 * 1024);
  session.on_close(1'000'000, sink);
  EXPECT_EQ(sink.count, 3000u);
}

TEST(Http2Memory, StreamsKeptForReuseAreFreedWhenNobodyNeedsThem) {
  Discard sink;
  Http2Session session(Options{});
  Writer client, server;
  const std::string start = client_start();
  (void)session.on_segment(segment(Direction::inbound, start, 1), sink);
  for (std::uint32_t i = 0; i < 200; ++i)
    (void)session.on_segment(segment(Direction::inbound, client.headers(2 * i + 1, get("/")), 1), sink);
  for (std::uint32_t i = 0; i < 200; ++i)
    (void)session.on_segment(segment(Direction::outbound, server.headers(2 * i + 1, status(200)), 1), sink);
  const std::int64_t busy = live_bytes;
  session.on_tick(1000, sink);
  session.on_tick(2000, sink);
  EXPECT_LT(live_bytes, busy - 100'000);
}

}  // namespace
}  // namespace subfloor::protocols::http2
