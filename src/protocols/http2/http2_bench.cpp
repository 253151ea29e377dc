// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/http2/conversation.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using namespace subfloor::protocols::http2::testing;
using http2::FrameType;

class Counter final : public CallSink {
 public:
  void on_call(Call& call) override { count += call.partial == partial_no ? 1 : 0; }
  std::int64_t count = 0;
};

// As many streams at once as the argument says, each request and response as h2load and nghttpd write them; the second
// argument is whether header fields are kept. A batch of requests is one segment, their responses another.
void streams_at_once(benchmark::State& state) {
  const auto streams = static_cast<std::uint32_t>(state.range(0));
  Options options;
  options.keep_headers = state.range(1) != 0;
  http2::Http2Session session(options);
  Counter counter;
  Writer client, server;
  const Fields request = with(get("/index.html"), {{"accept", "*/*"}});
  const Fields response = with(status(200), {{"content-length", "612"}, {"date", "Sat, 21 Nov 2026 01:51:10 GMT"}});
  constexpr std::uint32_t batches = 64;
  std::vector<std::string> up(batches), down(batches);
  const std::string content(612, 'x');
  std::uint32_t id = 1;
  std::int64_t bytes = 0;
  for (std::uint32_t batch = 0; batch < batches; ++batch) {
    for (std::uint32_t i = 0; i < streams; ++i, id += 2) {
      up[batch] += client.headers(id, request);
      down[batch] += server.headers(id, response, false) + data(id, content);
    }
    bytes += static_cast<std::int64_t>(up[batch].size() + down[batch].size());
  }
  Nanoseconds now = 1;
  std::int64_t rounds = 0;
  const auto renumber = [](std::string& frames, std::uint32_t more) {
    for (std::size_t at = 0; at < frames.size();) {
      const http2::Frame frame = http2::parse_frame(std::string_view(frames).substr(at));
      frames.replace(at + 5, 4, u32(frame.stream + more));
      at += http2::frame_header_size + frame.length;
    }
  };
  (void)session.on_segment({Direction::inbound, client_start(), client_start().size(), now, now, 1, 1}, counter);
  for (auto _ : state) {
    for (std::uint32_t batch = 0; batch < batches; ++batch) {
      benchmark::DoNotOptimize(
          session.on_segment({Direction::inbound, up[batch], up[batch].size(), now, now + 10, 1, 1}, counter));
      benchmark::DoNotOptimize(session.on_segment(
          {Direction::outbound, down[batch], down[batch].size(), now + 20, now + 30, 1, 1}, counter));
      now += 100;
    }
    ++rounds;
    state.PauseTiming();
    for (std::uint32_t batch = 0; batch < batches; ++batch) {
      renumber(up[batch], 2 * streams * batches);
      renumber(down[batch], 2 * streams * batches);
    }
    state.ResumeTiming();
  }
  if (counter.count != rounds * streams * batches) state.SkipWithError("a call is missing");
  state.SetItemsProcessed(counter.count);
  state.SetBytesProcessed(rounds * bytes);
}
BENCHMARK(streams_at_once)->ArgNames({"streams", "headers"})->ArgsProduct({{1, 10, 100}, {1, 0}});

// DATA frames of 16 KiB, all content copied.
void large_body(benchmark::State& state) {
  http2::Http2Session session(Options{});
  Counter counter;
  Writer client, server;
  (void)session.on_segment({Direction::inbound, client_start(), client_start().size(), 1, 1, 1, 1}, counter);
  const std::string request = client.headers(1, get("/")), response = server.headers(1, status(200), false);
  (void)session.on_segment({Direction::inbound, request, request.size(), 1, 1, 1, 1}, counter);
  (void)session.on_segment({Direction::outbound, response, response.size(), 1, 1, 1, 1}, counter);
  const std::string frame = data(1, std::string(16384, 'x'), false);
  for (auto _ : state) {
    for (std::size_t at = 0; at < frame.size(); at += 4096) {
      const std::string_view piece = std::string_view(frame).substr(at, 4096);
      benchmark::DoNotOptimize(session.on_segment({Direction::outbound, piece, piece.size(), 1, 1, 1, 1}, counter));
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(frame.size()));
}
BENCHMARK(large_body);

}  // namespace
