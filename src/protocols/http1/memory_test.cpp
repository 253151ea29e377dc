// SPDX-License-Identifier: Apache-2.0
// What a session allocates: nothing in a steady stream of calls, and never more than the stated bound.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "protocols/http1/conversation.h"
#include "support/counted_memory.h"

namespace subfloor::protocols::http1 {
namespace {

using namespace testing;

class Discard final : public CallSink {
 public:
  void on_call(Call&) override { ++count; }
  std::size_t count = 0;
};

TEST(Http1Memory, AllocatesNothingInASteadyStreamOfCalls) {
  Discard sink;
  const auto session = http1_descriptor.open(Options{});
  Nanoseconds now = 0;
  const auto exchange = [&] {
    now += 1000;
    const std::string_view request = get, response = ok;
    for (const std::string_view part : {request.substr(0, 30), request.substr(30)}) {
      (void)session->on_segment({Direction::inbound, part, part.size(), now, now + 10, 1, 1}, sink);
    }
    (void)session->on_segment({Direction::outbound, response, response.size(), now + 100, now + 110, 1, 1}, sink);
  };
  for (int i = 0; i < 3; ++i) exchange();
  const std::int64_t before = allocations;
  for (int i = 0; i < 1000; ++i) exchange();
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(sink.count, 1003u);
}

TEST(Http1Memory, StaysWithinItsBoundWhateverThePeerSends) {
  const std::string fields = [] {
    std::string text;
    for (int i = 0; i < 300; ++i) text += "a:\r\n";  // costs more to index than to send
    return text + "A: " + std::string(2000, 'x') + "\r\n";
  }();
  const std::string many_fields = "GET /x HTTP/1.1\r\n" + fields + "\r\n";
  const std::string long_target = "GET /" + std::string(15000, 'x') + " HTTP/1.1\r\n\r\n";
  const std::string endless_head = "GET /x HTTP/1.1\r\nA: " + std::string(15000, 'x');
  const std::string responses = "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: 0\r\n\r\n";
  for (const std::string* requests : {&many_fields, &long_target}) {
    Discard sink;
    const std::int64_t before = live_bytes;
    std::int64_t most = 0;
    {
      const auto session = http1_descriptor.open(Options{});
      Nanoseconds now = 0;
      for (int i = 0; i < 2000; ++i) {
        now += 1000;
        const bool response = i >= 1000 && i % 3 == 0;
        const std::string& bytes = response ? responses : *requests;
        const Direction direction = response ? Direction::outbound : Direction::inbound;
        (void)session->on_segment({direction, bytes, bytes.size(), now, now + 10, 1, 1}, sink);
        most = std::max(most, live_bytes - before);
      }
      (void)session->on_segment({Direction::inbound, endless_head, endless_head.size(), now, now + 10, 1, 1}, sink);
      most = std::max(most, live_bytes - before);
      session->on_close(now + 1000, sink);
    }
    EXPECT_LE(most, static_cast<std::int64_t>(session_memory_limit));
    EXPECT_GT(most, 100 * 1024);
    EXPECT_EQ(live_bytes, before);
  }
}

TEST(Http1Memory, IsSmallWhileIdle) {
  Discard sink;
  const std::string large = "GET /" + std::string(12000, 'x') + " HTTP/1.1\r\n\r\n";
  const std::int64_t before = live_bytes;
  const auto session = http1_descriptor.open(Options{});
  for (const std::string_view request : {std::string_view(large), std::string_view(get)}) {
    for (const std::string_view part : {request.substr(0, 9), request.substr(9)}) {
      (void)session->on_segment({Direction::inbound, part, part.size(), 1000, 1010, 1, 1}, sink);
    }
    (void)session->on_segment({Direction::outbound, ok, ok.size(), 2000, 2010, 1, 1}, sink);
  }
  EXPECT_EQ(sink.count, 2u);
  EXPECT_LT(live_bytes - before, 8 * 1024);
}

}  // namespace
}  // namespace subfloor::protocols::http1
