// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "protocols/kafka/conversation.h"
#include "protocols/kafka/kafka.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using namespace subfloor::protocols::kafka::testing;

class Counter final : public CallSink {
 public:
  void on_call(Call& call) override { count += call.status == 0 ? 1 : 0; }
  std::int64_t count = 0;
};

// One request and its response, each in one segment.
void exchange(benchmark::State& state, const std::string& request, const std::string& response) {
  const auto session = kafka_descriptor.open(Options{});
  Counter counter;
  Nanoseconds now = 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        session->on_segment({Direction::inbound, request, request.size(), now, now + 100, 1, 1}, counter));
    benchmark::DoNotOptimize(
        session->on_segment({Direction::outbound, response, response.size(), now + 200, now + 300, 1, 1}, counter));
    now += 1000;
  }
  if (counter.count != state.iterations()) state.SkipWithError("a call is missing");
  state.SetItemsProcessed(state.iterations() * 2);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(request.size() + response.size()));
}

void produce_small(benchmark::State& state) { exchange(state, produce(1, 1, "orders", "x"), produced(1, "orders")); }
BENCHMARK(produce_small);

void produce_4_kib(benchmark::State& state) {
  exchange(state, produce(1, 1, "orders", std::string(4000, 'r')), produced(1, "orders"));
}
BENCHMARK(produce_4_kib);

void produce_flexible(benchmark::State& state) { exchange(state, ask(example(0, 11), 1), answer(example(0, 11), 1)); }
BENCHMARK(produce_flexible);

void heartbeats(benchmark::State& state) { exchange(state, heartbeat(1), beaten(1)); }
BENCHMARK(heartbeats);

// A response that has to be read to its end: 100 topics with 10 partitions each.
void metadata(benchmark::State& state) {
  std::string topics = number(100, 4);
  for (int topic = 0; topic < 100; ++topic) {
    topics += number(0, 2) + text16("topic" + std::to_string(topic)) + number(0, 1) + number(10, 4);
    for (int partition = 0; partition < 10; ++partition) {
      topics += number(0, 2) + number(partition, 4) + number(1, 4) + number(1, 4) + number(1, 4) + number(1, 4) +
                number(1, 4) + number(0, 4);
    }
  }
  const std::string body = number(0, 4) + number(0, 4) + number(-1, 2) + number(1, 4) + topics;
  exchange(state, request(3, 5, 1, number(-1, 4) + number(1, 1)), response(3, 5, 1, body));
}
BENCHMARK(metadata);

}  // namespace
