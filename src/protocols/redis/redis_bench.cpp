// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <string>

#include "protocols/redis/conversation.h"
#include "protocols/redis/redis.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using redis::testing::array;
using redis::testing::bulk;

class Counter final : public CallSink {
 public:
  void on_call(Call& call) override { count += call.partial == 0 ? 1 : 0; }
  std::int64_t count = 0;
};

void measure(benchmark::State& state, const std::string& commands, const std::string& replies, std::int64_t number) {
  const auto session = redis_descriptor.open(Options{});
  Counter counter;
  Nanoseconds now = 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        session->on_segment({Direction::inbound, commands, commands.size(), now, now + 100, 1, 1}, counter));
    benchmark::DoNotOptimize(
        session->on_segment({Direction::outbound, replies, replies.size(), now + 200, now + 300, 1, 1}, counter));
    now += 1000;
  }
  if (counter.count != state.iterations() * number) state.SkipWithError("a call is missing");
  state.SetItemsProcessed(state.iterations() * number);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(commands.size() + replies.size()));
}

std::string repeat(const std::string& text, std::int64_t times) {
  std::string all;
  for (std::int64_t i = 0; i < times; ++i) all += text;
  return all;
}

// As redis-benchmark does; the argument is the depth of the pipeline.
void get(benchmark::State& state) {
  const std::int64_t depth = state.range(0);
  measure(state, repeat(array("GET key:000000000000"), depth), repeat(bulk("VXK"), depth), depth);
}
BENCHMARK(get)->ArgName("pipeline")->Arg(1)->Arg(16);

void set_and_incr(benchmark::State& state) {
  const std::int64_t depth = state.range(0);
  measure(state, repeat(array("SET key:000000000000 VXK") + array("INCR counter"), depth),
          repeat("+OK\r\n:12345\r\n", depth), 2 * depth);
}
BENCHMARK(set_and_incr)->ArgName("pipeline")->Arg(1)->Arg(16);

// 100 elements in one reply.
void range(benchmark::State& state) {
  measure(state, array("LRANGE list 0 99"), "*100\r\n" + repeat(bulk("element:0000000001"), 100), 1);
}
BENCHMARK(range);

// A value of 4 KiB, all copied.
void value(benchmark::State& state) { measure(state, array("SET key " + std::string(4096, 'x')), "+OK\r\n", 1); }
BENCHMARK(value);

}  // namespace
