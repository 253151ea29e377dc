// SPDX-License-Identifier: Apache-2.0
// What a session allocates: nothing in a steady stream of calls, and never more than the stated bound.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "protocols/mysql/conversation.h"
#include "support/counted_memory.h"

namespace subfloor::protocols::mysql {
namespace {

using namespace testing;

class Discard final : public CallSink {
 public:
  void on_call(Call&) override { ++count; }
  std::size_t count = 0;
};

class Talk {
 public:
  explicit Talk(const Options& options) : session_(mysql_descriptor.open(options)) {}

  void say(Side from, std::string_view bytes) {
    now_ += 1000;
    const Direction direction = from == Side::client ? Direction::inbound : Direction::outbound;
    (void)session_->on_segment({direction, bytes, bytes.size(), now_, now_ + 10, 1, 1}, sink);
  }
  void close() { session_->on_close(now_ + 1000, sink); }

  Discard sink;

 private:
  std::unique_ptr<Session> session_;
  Nanoseconds now_ = 0;
};

TEST(MysqlMemory, AllocatesNothingInASteadyStreamOfCalls) {
  Talk talk{Options{}};
  for (const Turn& turn : connected_mariadb()) talk.say(turn.from, turn.bytes);
  talk.say(Side::client, prepare("SELECT name FROM items WHERE id = ?"));
  talk.say(Side::server, prepared(1, 1, 1, true));
  const std::string asked = query("UPDATE items SET name = 'some text' WHERE id = 12345"), answered = ok(1, 1);
  const std::string run = execute(1, "12345678"), found = rows({"x", "y"}, true);
  const auto exchange = [&] {
    talk.say(Side::client, std::string_view(asked).substr(0, 30));
    talk.say(Side::client, std::string_view(asked).substr(30));
    talk.say(Side::server, answered);
    talk.say(Side::client, run);
    talk.say(Side::server, std::string_view(found).substr(0, 40));
    talk.say(Side::server, std::string_view(found).substr(40));
  };
  for (int i = 0; i < 3; ++i) exchange();
  const std::int64_t before = allocations;
  for (int i = 0; i < 1000; ++i) exchange();
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(talk.sink.count, 2007U);
}

TEST(MysqlMemory, StaysWithinItsBoundWhateverThePeerSends) {
  Options options;
  options.extras.query_text = true;
  const std::string names = [] {
    std::string text = "SELECT a";
    for (int i = 0; i < 300; ++i) text += ", column_" + std::to_string(i) + " FROM t" + std::to_string(i);
    return text;
  }();
  for (const bool statements : {true, false}) {
    const std::int64_t before = live_bytes;
    std::int64_t most = 0;
    {
      Talk talk(options);
      for (const Turn& turn : connected(mariadb | capability::compress, "11.0-MariaDB"))
        talk.say(turn.from, turn.bytes);
      const std::string endless = prepare(names).substr(0, 4000);
      for (std::uint32_t i = 0; i < 5000; ++i) {
        talk.say(Side::client, packed(0, statements ? prepare(names) : query(names)));
        if (statements) talk.say(Side::server, packed(1, prepared(i, 0, 0, true)));
        most = std::max(most, live_bytes - before);
      }
      talk.say(Side::client, packed(0, endless));
      talk.say(Side::server, packed(1, std::string(4000, '\1')));
      most = std::max(most, live_bytes - before);
      talk.close();
    }
    EXPECT_LE(most, static_cast<std::int64_t>(session_memory_limit));
    EXPECT_GT(most, 100 * 1024);
    EXPECT_EQ(live_bytes, before);
  }
}

TEST(MysqlMemory, IsSmallWhileIdle) {
  const std::int64_t before = live_bytes;
  Talk talk{Options{}};
  for (const Turn& turn : connected_mysql()) talk.say(turn.from, turn.bytes);
  talk.say(Side::client, query("\0\1INSERT INTO t VALUES ('"s + std::string(20000, 'v') + "')"));
  talk.say(Side::server, ok(1));
  EXPECT_EQ(talk.sink.count, 1U);
  EXPECT_LT(live_bytes - before, 16 * 1024);
}

}  // namespace
}  // namespace subfloor::protocols::mysql
