// SPDX-License-Identifier: Apache-2.0
// What a session allocates: nothing in a steady stream of calls, and never more than the stated bound.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "protocols/postgres/conversation.h"
#include "support/counted_memory.h"

namespace subfloor::protocols::postgres {
namespace {

using namespace testing;

class Discard final : public CallSink {
 public:
  void on_call(Call&) override { ++count; }
  std::size_t count = 0;
};

void give(PostgresSession& session, CallSink& sink, Direction direction, std::string_view bytes) {
  (void)session.on_segment({direction, bytes, bytes.size(), 1000, 1010, 1, 1}, sink);
}

TEST(PostgresMemory, AllocatesNothingInASteadyStreamOfCalls) {
  Discard sink;
  PostgresSession session({.extras = {.query_text = true}});
  give(session, sink, Direction::inbound, startup());
  give(session, sink, Direction::outbound, authenticated);
  const std::string text = "SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer WHERE o.id = 5";
  const std::string simple = query(text), extended = parse("", text) + prepared(""), by_name = prepared("s");
  const std::string rows_of_it = selected(3), parsed_rows = parsed + bound + selected(3),
                    bound_rows = bound + selected(3);
  give(session, sink, Direction::inbound, parse("s", text) + sync);
  give(session, sink, Direction::outbound, parsed + ready());
  const auto round = [&] {
    for (const std::size_t cut : {std::size_t{0}, simple.size() / 2}) {
      give(session, sink, Direction::inbound, std::string_view(simple).substr(0, cut));
      give(session, sink, Direction::inbound, std::string_view(simple).substr(cut));
      give(session, sink, Direction::outbound, rows_of_it);
    }
    give(session, sink, Direction::inbound, extended);
    give(session, sink, Direction::outbound, parsed_rows);
    give(session, sink, Direction::inbound, by_name);
    give(session, sink, Direction::outbound, bound_rows);
  };
  for (int i = 0; i < 20; ++i) round();
  const std::int64_t before = allocations;
  for (int i = 0; i < 1000; ++i) round();
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(sink.count, 4080U);
}

TEST(PostgresMemory, StaysWithinItsBoundWhateverThePeersSay) {
  const std::string name(name_limit, 'n');
  std::string many = "SELECT * FROM t0";
  while (many.size() < 4000) many += ", " + std::string(60, 'a') + std::to_string(many.size());
  Discard sink;
  const std::int64_t before = live_bytes;
  std::int64_t most = 0;
  {
    PostgresSession session({.extras = {.query_text = true}});
    give(session, sink, Direction::inbound, startup());
    give(session, sink, Direction::outbound, authenticated);
    for (int i = 0; i < 3000; ++i) {
      const std::string own = name.substr(0, name_limit - 5) + std::to_string(10000 + i);
      give(session, sink, Direction::inbound,
           parse(own, many) + testing::bind(own, own) + describe(own) + execute(own));
      most = std::max(most, live_bytes - before);
    }
  }
  EXPECT_LE(most, static_cast<std::int64_t>(session_memory_limit));
  EXPECT_EQ(live_bytes, before);
}

}  // namespace
}  // namespace subfloor::protocols::postgres
