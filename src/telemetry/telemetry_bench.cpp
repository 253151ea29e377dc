// SPDX-License-Identifier: Apache-2.0
// What a call costs once its groups and series exist. The reactor's thread pays this for every call on the node.
#include <benchmark/benchmark.h>

#include <vector>

#include "telemetry/metrics.h"
#include "telemetry/redaction.h"
#include "telemetry/routes.h"
#include "telemetry/testing.h"
#include "telemetry/top.h"
#include "telemetry/trace_context.h"
#include "telemetry/windows.h"

namespace subfloor {
namespace {

std::vector<testing::SampleCall> calls_of(int groups) {
  std::vector<testing::SampleCall> calls(static_cast<std::size_t>(groups));
  IdGenerator ids(1);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const auto trace = ids.trace_id();
    calls[i].trace_id.assign(trace.begin(), trace.end());
    calls[i].call.path = "/api/v1/products/" + std::to_string(i) + "/reviews";
    calls[i].call.end += i * 100'000;
  }
  return calls;
}

void windows_add(benchmark::State& state) {
  const auto calls = calls_of(static_cast<int>(state.range(0)));
  testing::CollectedSpans sink;
  Windows windows({}, 0, sink);
  std::size_t i = 0;
  for (auto _ : state) {
    windows.add(calls[i].observation());
    i = i + 1 == calls.size() ? 0 : i + 1;
  }
}
BENCHMARK(windows_add)->Arg(1)->Arg(100)->Arg(1000);

void metrics_add(benchmark::State& state) {
  const auto calls = calls_of(100);
  Metrics metrics({static_cast<MetricConvention>(state.range(0)), 2000});
  std::size_t i = 0;
  for (auto _ : state) {
    metrics.add(calls[i].observation());
    i = i + 1 == calls.size() ? 0 : i + 1;
  }
}
BENCHMARK(metrics_add)->Arg(0)->Arg(1);

void windows_and_metrics_add(benchmark::State& state) {
  const auto calls = calls_of(static_cast<int>(state.range(0)));
  testing::CollectedSpans sink;
  Windows windows({}, 0, sink);
  Metrics metrics;
  std::size_t i = 0;
  for (auto _ : state) {
    windows.add(calls[i].observation());
    metrics.add(calls[i].observation());
    i = i + 1 == calls.size() ? 0 : i + 1;
  }
}
BENCHMARK(windows_and_metrics_add)->Arg(1)->Arg(100)->Arg(1000);

void redact_nothing(benchmark::State& state) {
  testing::SampleCall sample;
  for (const auto& [name, value] : {std::pair{"Host", "localhost:8080"},
                                    {"User-Agent", "wrk/4.1.0"},
                                    {"Accept", "*/*"},
                                    {"Accept-Encoding", "gzip, br"},
                                    {"Connection", "keep-alive"}}) {
    sample.call.request_headers.add(name, value);
    sample.call.response_headers.add(name, value);
  }
  const Redactor redactor;
  for (auto _ : state) redactor.apply(sample.call);
}
BENCHMARK(redact_nothing);

void new_ids(benchmark::State& state) {
  IdGenerator ids;
  for (auto _ : state) {
    benchmark::DoNotOptimize(ids.trace_id());
    benchmark::DoNotOptimize(ids.span_id());
  }
}
BENCHMARK(new_ids);

// 100 paths again and again: 0; ever new ids on one route: 1; ever new words, answered: 2; ever new 4 KiB of '/a': 3.
void routes_of(benchmark::State& state) {
  Routes routes;
  std::vector<Call> calls(state.range(0) == 0 ? 100 : 100'000);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    calls[i].protocol = &testing::http1;
    calls[i].status = 200;
    std::string word;
    for (std::size_t left = i; left > 0; left /= 26) word += static_cast<char>('a' + left % 26);
    const std::string id = std::to_string(i);
    switch (state.range(0)) {
      case 2: calls[i].path = "/api/v1/" + word + "/reviews"; break;
      case 3:
        for (calls[i].path = "/" + id; calls[i].path.size() < 4096;) calls[i].path += "/a";
        break;
      default: calls[i].path = "/api/v1/products/" + id + "/reviews";
    }
  }
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(routes.of("shop", calls[i]));
    i = i + 1 == calls.size() ? 0 : i + 1;
  }
}
BENCHMARK(routes_of)->DenseRange(0, 3);

// What a call costs for each who watches.
void top_add(benchmark::State& state) {
  const auto calls = calls_of(100);
  Top top({.by = static_cast<TopBy>(state.range(0))}, 0);
  std::size_t i = 0;
  for (auto _ : state) {
    top.add(calls[i].observation());
    i = i + 1 == calls.size() ? 0 : i + 1;
  }
}
BENCHMARK(top_add)->DenseRange(0, 3);

}  // namespace
}  // namespace subfloor
