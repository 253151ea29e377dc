// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "protocols/mysql/conversation.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using namespace subfloor::protocols::mysql::testing;

class Counter final : public CallSink {
 public:
  void on_call(Call& call) override { count += call.error.empty() ? 1 : 0; }
  std::int64_t count = 0;
};

Segment segment(Direction direction, std::string_view bytes, Nanoseconds now) {
  return {direction, bytes, bytes.size(), now, now + 100, 1, 1};
}

// A command and its answer, each in one segment.
void exchange(benchmark::State& state, const Conversation& before, std::string_view asked, std::string_view answered) {
  const auto session = mysql_descriptor.open(Options{});
  Counter counter;
  Nanoseconds now = 1;
  for (const Turn& turn : before) {
    const Direction direction = turn.from == Side::client ? Direction::inbound : Direction::outbound;
    (void)session->on_segment(segment(direction, turn.bytes, now += 1000), counter);
  }
  counter.count = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(session->on_segment(segment(Direction::inbound, asked, now), counter));
    benchmark::DoNotOptimize(session->on_segment(segment(Direction::outbound, answered, now + 200), counter));
    now += 1000;
  }
  if (counter.count != state.iterations()) state.SkipWithError("a call is missing");
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(asked.size() + answered.size()));
}

void query_of_one_row(benchmark::State& state) {
  exchange(state, connected_mariadb(), query("SELECT name, price FROM items WHERE id = 12345"), rows({"a name"}, true));
}
BENCHMARK(query_of_one_row);

void prepared_statement(benchmark::State& state) {
  const Conversation before = connected_mariadb() + Conversation{client(prepare("SELECT name FROM items WHERE id = ?")),
                                                                 server(prepared(1, 1, 1, true))};
  exchange(state, before, execute(1, "12345678"), rows({"a name"}, true));
}
BENCHMARK(prepared_statement);

// The worst case of an answer: many small rows, all of their content copied.
void rows_of_20_bytes(benchmark::State& state) {
  const std::vector<std::string> values(1000, std::string(20, 'v'));
  exchange(state, connected_mariadb(), query("SELECT name FROM items"), rows(values, true));
}
BENCHMARK(rows_of_20_bytes);

void compressed_rows(benchmark::State& state) {
  const std::vector<std::string> values(1000, std::string(20, 'v'));
  const auto before = connected(mariadb | mysql::capability::compress, "11.4.2-MariaDB");
  const std::string asked = packed(0, query("SELECT name FROM items")), answered = packed(1, rows(values, true));
  exchange(state, before, asked, answered);
}
BENCHMARK(compressed_rows);

}  // namespace
