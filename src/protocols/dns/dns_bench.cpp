// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "protocols/dns/testing.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using namespace subfloor::protocols::dns::testing;

class Count final : public CallSink {
 public:
  void on_call(Call& call) override { calls += call.status ? 1 : 0; }
  std::uint64_t calls = 0;
};

// A question for an address and its answer through an alias, as one session after the other sees them.
void run(benchmark::State& state, bool datagrams) {
  std::string asked = query(7, "api.shop.svc.cluster.local");
  std::string answered = response(7, "api.shop.svc.cluster.local", 1,
                                  {record(question_name, 5, name("lb.shop.example")),
                                   address(name("lb.shop.example"), 1), address(name("lb.shop.example"), 2)});
  if (!datagrams) {
    asked = framed(asked);
    answered = framed(answered);
  }
  dns::DnsSession session({.datagrams = datagrams});
  Count count;
  Nanoseconds now = 1;
  for (auto _ : state) {
    now += 100;
    (void)session.on_segment({Direction::outbound, asked, asked.size(), now, now, 1, 1}, count);
    (void)session.on_segment({Direction::inbound, answered, answered.size(), now + 50, now + 50, 1, 1}, count);
  }
  if (count.calls != static_cast<std::uint64_t>(state.iterations())) state.SkipWithError("calls are missing");
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(asked.size() + answered.size()));
  state.counters["messages/s"] =
      benchmark::Counter(2.0 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void datagrams(benchmark::State& state) { run(state, true); }
void stream(benchmark::State& state) { run(state, false); }

BENCHMARK(datagrams);
BENCHMARK(stream);

}  // namespace
