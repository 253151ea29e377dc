// SPDX-License-Identifier: Apache-2.0
// What a session allocates: nothing in a steady stream of calls, and never more than the stated bound.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "protocols/kafka/conversation.h"
#include "support/counted_memory.h"

namespace subfloor::protocols::kafka {
namespace {

using namespace testing;

class Discard final : public CallSink {
 public:
  void on_call(Call&) override { ++count; }
  std::size_t count = 0;
};

class Talk {
 public:
  void say(Side side, std::string_view bytes) {
    now_ += 1000;
    const Direction direction = side == Side::client ? Direction::inbound : Direction::outbound;
    (void)session->on_segment({direction, bytes, bytes.size(), now_, now_ + 10, 1, 1}, sink);
  }
  void close() { session->on_close(now_ + 1000, sink); }

  Discard sink;
  std::unique_ptr<Session> session = kafka_descriptor.open(Options{});

 private:
  Nanoseconds now_ = 0;
};

TEST(KafkaMemory, AllocatesNothingInASteadyStreamOfCalls) {
  Talk talk;
  const std::string requests[]{produce(1, 1, "a-topic-with-a-name-that-needs-memory", "x"), heartbeat(2)};
  const std::string responses[]{produced(1, "a-topic-with-a-name-that-needs-memory", 6), beaten(2, 27)};
  const auto exchange = [&] {
    for (const std::string& each : requests) {
      talk.say(Side::client, std::string_view(each).substr(0, 30));
      talk.say(Side::client, std::string_view(each).substr(30));
    }
    for (const std::string& each : responses) talk.say(Side::broker, each);
  };
  for (int i = 0; i < 5; ++i) exchange();
  const std::int64_t before = allocations;
  for (int i = 0; i < 1000; ++i) exchange();
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(talk.sink.count, 2010u);
}

// Metadata 12 with a topic of that name and an id of its own.
std::string told(std::int32_t correlation, int id) {
  const std::string name = std::to_string(id) + std::string(240, 'n');
  return response(3, 12, correlation,
                  number(0, 4) + "\1\1" + number(1, 4) + "\2" + number(0, 2) +
                      static_cast<char>(name.size() % 128 + 129) + static_cast<char>((name.size() + 1) / 128) + name +
                      std::string(8, '\0') + number(id + 1, 8) + number(0, 1) + "\1" + number(0, 4) +
                      std::string(2, '\0'));
}

TEST(KafkaMemory, StaysWithinItsBoundWhateverThePeerSends) {
  const std::int64_t before = live_bytes;
  std::int64_t most = 0;
  {
    Talk talk;
    const std::string client(255, 'c'), group(255, 'g'), topic(249, 't');
    const std::string body = text16(group) + number(1, 4) + text16(topic) + number(1, 4) + number(0, 4);
    for (int i = 0; i < 1000; ++i) {
      talk.say(Side::client, ask(example(3, 12), i));
      talk.say(Side::broker, told(i, i));
    }
    EXPECT_EQ(talk.sink.count, 1000u);
    for (int i = 0; i < 2000; ++i) {
      talk.say(Side::client, request(9, 0, i, body, client));
      most = std::max(most, live_bytes - before);
    }
    talk.say(Side::client, std::string_view(request(9, 0, 1, body, client)).substr(0, 400));
    most = std::max(most, live_bytes - before);
    talk.close();
  }
  EXPECT_LE(most, static_cast<std::int64_t>(session_memory_limit));
  EXPECT_GT(most, 300 * 1024);
  EXPECT_EQ(live_bytes, before);
}

TEST(KafkaMemory, IsSmallWhileIdle) {
  const std::int64_t before = live_bytes;
  Talk talk;
  for (int i = 0; i < 3; ++i) {
    talk.say(Side::client, produce(i, 1, std::string(249, 't'), std::string(10000, 'r')));
    talk.say(Side::broker, produced(i, std::string(249, 't')));
  }
  EXPECT_EQ(talk.sink.count, 3u);
  EXPECT_LT(live_bytes - before, 8 * 1024);
}

}  // namespace
}  // namespace subfloor::protocols::kafka
