// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "protocols/postgres/conversation.h"
#include "protocols/postgres/postgres.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using namespace subfloor::protocols::postgres::testing;

class Counter final : public CallSink {
 public:
  void on_call(Call& call) override { count += call.partial == 0 ? 1 : 0; }
  std::int64_t count = 0;
};

struct Bench {
  std::unique_ptr<Session> session = postgres_descriptor.open(Options{});
  Counter counter;
  Nanoseconds now = 1;

  Bench() {
    give(Direction::inbound, startup());
    give(Direction::outbound, authenticated);
  }
  void give(Direction direction, std::string_view bytes) {
    benchmark::DoNotOptimize(session->on_segment({direction, bytes, bytes.size(), now, now + 100, 1, 1}, counter));
    now += 1000;
  }
  void run(benchmark::State& state, const std::string& asked, const std::string& answered, std::int64_t calls) {
    const std::int64_t before = counter.count;
    for (auto _ : state) {
      give(Direction::inbound, asked);
      give(Direction::outbound, answered);
    }
    if (counter.count - before != calls * state.iterations()) state.SkipWithError("a call is missing");
    state.SetItemsProcessed(calls * state.iterations());
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(asked.size() + answered.size()));
  }
};

// As pgbench -S asks, in each of its modes.
constexpr std::string_view statement = "SELECT abalance FROM pgbench_accounts WHERE aid = 71234;";

void simple(benchmark::State& state) { Bench().run(state, query(statement), selected(1), 1); }
BENCHMARK(simple);

void extended(benchmark::State& state) {
  Bench().run(state, parse("", statement) + prepared(""), parsed + bound + selected(1), 1);
}
BENCHMARK(extended);

void prepared_statement(benchmark::State& state) {
  Bench bench;
  bench.give(Direction::inbound, parse("P_0", statement) + subfloor::protocols::postgres::testing::sync);
  bench.give(Direction::outbound, parsed + ready());
  bench.run(state, prepared("P_0"), bound + selected(1), 1);
}
BENCHMARK(prepared_statement);

void pipeline_of_ten(benchmark::State& state) {
  Bench bench;
  bench.give(Direction::inbound, parse("P_0", statement) + subfloor::protocols::postgres::testing::sync);
  bench.give(Direction::outbound, parsed + ready());
  std::string asked, answered;
  for (int i = 0; i < 10; ++i) {
    asked += prepared("P_0");
    answered += bound + selected(1);
  }
  bench.run(state, asked, answered, 10);
}
BENCHMARK(pipeline_of_ten);

// Rows of 10 bytes, all copied.
void two_hundred_rows(benchmark::State& state) { Bench().run(state, query(statement), selected(200), 1); }
BENCHMARK(two_hundred_rows);

}  // namespace
