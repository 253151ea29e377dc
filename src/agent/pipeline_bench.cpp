// SPDX-License-Identifier: Apache-2.0
// What one request costs the agent after the ring: record → stream → call → redaction → windows and metrics.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "agent/pipeline.h"
#include "sensors/tcp/decoder.h"

namespace {

using namespace subfloor;

constexpr std::string_view request =
    "GET /api/v1/items/42?expand=owner HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: curl/7.88.1\r\n"
    "Accept: */*\r\n\r\n";
constexpr std::string_view response_head =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 01:51:10 GMT\r\nContent-Type: text/html\r\n"
    "Content-Length: 612\r\nLast-Modified: Wed, 11 Nov 2026 09:16:28 GMT\r\nConnection: keep-alive\r\n"
    "ETag: \"655ca1bc-264\"\r\nAccept-Ranges: bytes\r\n\r\n";

class NoSpans final : public SpanSink {
 public:
  void on_span(const Span&) override {}
};

// A record as the kernel writes it, of a transfer whose place in the stream moves on with each use.
class DataRecord {
 public:
  DataRecord(std::uint8_t direction, std::string_view content) : bytes_(sizeof(tcp_data) + content.size()) {
    head_.header.size = static_cast<std::uint32_t>(bytes_.size());
    head_.header.kind = TCP_DATA;
    head_.key = 77;
    head_.length = head_.captured = static_cast<std::uint32_t>(content.size());
    head_.pid = head_.tid = 1;
    head_.direction = direction;
    head_.has_position = 1;
    std::memcpy(bytes_.data() + sizeof head_, content.data(), content.size());
  }

  void give(sensors::TcpDecoder& decoder, Nanoseconds now, std::uint32_t other_position) {
    head_.header.time = now + 100;
    head_.begin = now;
    head_.other_position = other_position;
    std::memcpy(bytes_.data(), &head_, sizeof head_);
    benchmark::DoNotOptimize(decoder.decode(head_.header, bytes_));
    head_.position += head_.length;
  }
  [[nodiscard]] std::uint32_t position() const { return head_.position; }

 private:
  tcp_data head_{};
  std::vector<std::byte> bytes_;
};

void keep_alive_requests(benchmark::State& state, std::size_t kept) {
  NoSpans spans;
  agent::Config config;
  config.traces.keep = kept;
  agent::Pipeline pipeline(config, nullptr, spans);
  sensors::TcpDecoder decoder(pipeline);
  DataRecord in(TCP_DIRECTION_IN, request);
  DataRecord out(TCP_DIRECTION_OUT, std::string(response_head) + std::string(612, 'x'));
  Nanoseconds now = 1000;
  for (auto _ : state) {
    in.give(decoder, now, out.position());
    out.give(decoder, now + 200, in.position());
    now += 1000;
  }
  if (pipeline.streams().counters().calls + 1 < static_cast<std::uint64_t>(state.iterations()))
    state.SkipWithError("calls are missing");
  state.SetItemsProcessed(state.iterations());
}
void keep_alive_request(benchmark::State& state) { keep_alive_requests(state, agent::TracesConfig{}.keep); }
// While nobody sees traces.
void keep_alive_request_untraced(benchmark::State& state) { keep_alive_requests(state, 0); }
BENCHMARK(keep_alive_request_untraced);
BENCHMARK(keep_alive_request);
// For counting instructions: callgrind of both, the difference divided by 10,000.
BENCHMARK(keep_alive_request)->Iterations(1000);
BENCHMARK(keep_alive_request)->Iterations(11000);

}  // namespace
