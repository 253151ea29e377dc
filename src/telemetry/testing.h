// SPDX-License-Identifier: Apache-2.0
// Observations for tests and benchmarks.
#pragma once

#include <string>
#include <vector>

#include "model/call.h"
#include "telemetry/service_name.h"
#include "telemetry/span.h"

namespace subfloor::testing {

inline constexpr Protocol http1{"http1", &http_family};
inline constexpr Family redis_family{.name = "redis"};
inline constexpr Protocol redis{"redis", &redis_family};

inline Address ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, std::uint16_t port) {
  Address address;
  address.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d};
  address.port = port;
  return address;
}

// A GET /orders?page=2 that nginx answered with 200 after 3 ms; change what a test is about.
struct SampleCall {
  Call call;
  Connection connection;
  Process process;
  const Process* peer = nullptr;
  std::string trace_id = "0af7651916cd43dd8448eb211c80319c";
  std::string span_id = "b7ad6b7169203331";
  std::string parent_span_id;

  SampleCall() {
    call.protocol = &http1;
    call.start = 1'000'000'000;
    call.request_end = call.start + 10'000;
    call.first_byte = call.start + 2'000'000;
    call.end = call.start + 3'000'000;
    call.pid = 4242;
    call.operation = "GET";
    call.path = "/orders";
    call.query = "page=2";
    call.version = "1.1";
    call.status = 200;
    call.response_body_bytes = 612;
    connection.local = ipv4(127, 0, 0, 1, 80);
    connection.remote = ipv4(127, 0, 0, 2, 45678);
    process.pid = 4242;
    process.comm = "nginx";
    process.executable = "/usr/sbin/nginx";
    process.arguments = {"nginx: worker process"};
  }

  [[nodiscard]] Observation observation() const {
    return {call, connection, process, peer, trace_id, span_id, parent_span_id, service_name(process)};
  }
  SampleCall& lasting(Nanoseconds duration) {
    call.end = call.start + duration;
    return *this;
  }
};

struct CollectedSpans final : SpanSink {
  std::vector<Span> spans;
  std::vector<WindowSummary> windows;

  void on_span(const Span& span) override { spans.push_back(span); }
  void on_window_closed(const WindowSummary& summary) override { windows.push_back(summary); }
};

}  // namespace subfloor::testing
