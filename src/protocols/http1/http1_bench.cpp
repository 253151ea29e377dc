// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "protocols/http1/http1.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;

// As wrk or curl and nginx write them.
constexpr std::string_view request =
    "GET /api/v1/items/42?expand=owner HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: curl/7.88.1\r\n"
    "Accept: */*\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n";
constexpr std::string_view response_head =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 01:51:10 GMT\r\nContent-Type: text/html\r\n"
    "Content-Length: 612\r\nLast-Modified: Wed, 11 Nov 2026 09:16:28 GMT\r\nConnection: keep-alive\r\n"
    "ETag: \"655ca1bc-264\"\r\nAccept-Ranges: bytes\r\n\r\n";

class Counter final : public CallSink {
 public:
  void on_call(Call& call) override { count += call.status == 200 ? 1 : 0; }
  std::int64_t count = 0;
};

Segment segment(Direction direction, std::string_view bytes, Nanoseconds now) {
  return {direction, bytes, bytes.size(), now, now + 100, 1, 1};
}

// One request and its response, each in one segment; the argument is whether header fields are kept.
void keep_alive_get(benchmark::State& state) {
  const std::string response = std::string(response_head) + std::string(612, 'x');
  Options options;
  options.keep_headers = state.range(0) != 0;
  const auto session = http1_descriptor.open(options);
  Counter counter;
  Nanoseconds now = 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(session->on_segment(segment(Direction::inbound, request, now), counter));
    benchmark::DoNotOptimize(session->on_segment(segment(Direction::outbound, response, now + 200), counter));
    now += 1000;
  }
  if (counter.count != state.iterations()) state.SkipWithError("a call is missing");
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(request.size() + response.size()));
}
BENCHMARK(keep_alive_get)->ArgName("headers")->Arg(1)->Arg(0);

// The same head in two segments, which goes through the buffer.
void split_heads(benchmark::State& state) {
  const std::string response = std::string(response_head) + std::string(612, 'x');
  const auto session = http1_descriptor.open(Options{});
  Counter counter;
  Nanoseconds now = 1;
  for (auto _ : state) {
    for (const std::string_view part : {request.substr(0, 60), request.substr(60)}) {
      benchmark::DoNotOptimize(session->on_segment(segment(Direction::inbound, part, now), counter));
    }
    for (const std::string_view part :
         {std::string_view(response).substr(0, 100), std::string_view(response).substr(100)}) {
      benchmark::DoNotOptimize(session->on_segment(segment(Direction::outbound, part, now + 200), counter));
    }
    now += 1000;
  }
  if (counter.count != state.iterations()) state.SkipWithError("a call is missing");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(split_heads);

// Chunks of 4 KiB, all content copied: the worst case of a body.
void chunked_body(benchmark::State& state) {
  std::string response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 16; ++i) response += "1000\r\n" + std::string(4096, 'x') + "\r\n";
  response += "0\r\n\r\n";
  const auto session = http1_descriptor.open(Options{});
  Counter counter;
  Nanoseconds now = 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(session->on_segment(segment(Direction::inbound, request, now), counter));
    benchmark::DoNotOptimize(session->on_segment(segment(Direction::outbound, response, now + 200), counter));
    now += 1000;
  }
  if (counter.count != state.iterations()) state.SkipWithError("a call is missing");
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(request.size() + response.size()));
}
BENCHMARK(chunked_body);

}  // namespace
