// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include "exporters/json/json.h"
#include "telemetry/testing.h"

namespace subfloor::json {
namespace {

void append_call(benchmark::State& state) {
  testing::SampleCall sample;
  for (const auto& [name, value] : {std::pair{"Host", "localhost:8080"},
                                    {"User-Agent", "wrk/4.1.0"},
                                    {"Accept", "*/*"},
                                    {"Accept-Encoding", "gzip, br"},
                                    {"Connection", "keep-alive"}}) {
    sample.call.request_headers.add(name, value);
    sample.call.response_headers.add(name, value);
  }
  std::string line;
  for (auto _ : state) {
    line.clear();
    append_json(line, sample.observation());
    benchmark::DoNotOptimize(line.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(line.size()));
}
BENCHMARK(append_call);

}  // namespace
}  // namespace subfloor::json
