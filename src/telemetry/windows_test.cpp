// SPDX-License-Identifier: Apache-2.0
#include "telemetry/windows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "telemetry/testing.h"

namespace subfloor {
namespace {

using testing::CollectedSpans;
using testing::ipv4;
using testing::SampleCall;

constexpr Nanoseconds ms = 1'000'000;

std::string attribute(const Span& span, std::string_view key) {
  for (const Attribute& candidate : span.attributes) {
    if (candidate.key != key) continue;
    if (const auto* text = std::get_if<std::string>(&candidate.value)) return *text;
    return std::to_string(std::get<std::int64_t>(candidate.value));
  }
  return "(none)";
}

// One window holding the given calls.
std::vector<Span> spans_of(const std::vector<SampleCall>& calls, WindowOptions options = {}) {
  CollectedSpans sink;
  Windows windows(options, 0, sink);
  for (const SampleCall& call : calls) windows.add(call.observation());
  windows.close(5'000'000'000, 1.0);
  return sink.spans;
}

TEST(Windows, MakeOneSpanOfEqualCalls) {
  std::vector<SampleCall> calls(3);
  calls[0].lasting(2 * ms);
  calls[1].lasting(4 * ms);
  calls[2].lasting(9 * ms);
  const auto spans = spans_of(calls);
  ASSERT_EQ(spans.size(), 1U);
  const Span& span = spans[0];
  EXPECT_EQ(span.name, "GET");
  EXPECT_EQ(span.kind, Kind::server);
  EXPECT_EQ(span.resource.service, "nginx");
  EXPECT_EQ(span.count, 3U);
  EXPECT_EQ(span.duration.min, 2 * ms);
  EXPECT_EQ(span.duration.mean, 5 * ms);
  EXPECT_EQ(span.duration.max, 9 * ms);
  EXPECT_NEAR(static_cast<double>(span.duration.p50), 4e6, 4e6 / 16);
  EXPECT_NEAR(static_cast<double>(span.duration.p99), 9e6, 9e6 / 16);
  EXPECT_LE(span.duration.p99, span.duration.max);
  EXPECT_EQ(span.durations.count(), 3U);
  EXPECT_EQ(attribute(span, "http.request.method"), "GET");
  EXPECT_EQ(attribute(span, "url.path"), "/orders");
  EXPECT_EQ(attribute(span, "http.response.status_code"), "200");
  EXPECT_EQ(attribute(span, "network.peer.address"), "127.0.0.2");
  EXPECT_EQ(attribute(span, "url.query"), "(none)");
  EXPECT_EQ(attribute(span, "http.route"), "(none)");
  EXPECT_EQ(span.window_end, 5'000'000'000U);
  EXPECT_EQ(span.completeness, 1.0);
}

TEST(Windows, KeepApartWhatDiffersInAnyPartOfTheGroup) {
  std::vector<SampleCall> calls(9);
  calls[1].call.operation = "POST";
  calls[2].call.path = "/other";
  calls[3].call.status = 404;
  calls[4].call.status.reset();
  calls[5].connection.remote = ipv4(10, 0, 0, 1, 45678);
  calls[6].call.kind = Kind::client;
  calls[7].process.executable = "/usr/sbin/haproxy";
  calls[8].process.container_id = std::string(64, 'a');
  EXPECT_EQ(spans_of(calls).size(), calls.size());
}

TEST(Windows, JoinWhatDiffersOnlyInQueryPortOrWorker) {
  std::vector<SampleCall> calls(4);
  calls[1].call.query = "page=3";
  calls[2].connection.remote.port = 1;
  calls[3].process.pid = calls[3].call.pid = 77;
  EXPECT_EQ(spans_of(calls).size(), 1U);
}

TEST(Windows, TakeTheirContextFromACallThatHappened) {
  std::vector<SampleCall> calls(50);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    calls[i].trace_id = "000000000000000000000000000000" + std::to_string(i + 10);
    calls[i].span_id = "00000000000000" + std::to_string(i + 10);
    calls[i].parent_span_id = "11111111111111" + std::to_string(i + 10);
    calls[i].call.start += i * 1000;
    calls[i].lasting(i * ms);
  }
  const Span span = spans_of(calls).at(0);
  const auto exemplar =
      std::find_if(calls.begin(), calls.end(), [&](const SampleCall& c) { return c.trace_id == span.trace_id; });
  ASSERT_NE(exemplar, calls.end());
  EXPECT_EQ(span.span_id, exemplar->span_id);
  EXPECT_EQ(span.parent_span_id, exemplar->parent_span_id);
  EXPECT_EQ(span.start, exemplar->call.start);
  EXPECT_EQ(span.end, exemplar->call.end);
}

TEST(Windows, ChooseTheSameTraceInEveryGroupItPassesThrough) {
  std::vector<SampleCall> calls;
  for (int i = 10; i < 60; ++i) {
    for (const char* path : {"/a", "/b", "/c"}) {
      SampleCall call;
      call.call.path = path;
      call.trace_id = "000000000000000000000000000000" + std::to_string(i);
      calls.push_back(call);
    }
  }
  std::set<std::string> traces;
  for (const Span& span : spans_of(calls)) traces.insert(span.trace_id);
  EXPECT_EQ(traces.size(), 1U);
}

TEST(Windows, PreferAWholeCallAsExemplarAndCountThePartialOnes) {
  std::vector<SampleCall> calls(3);
  for (std::size_t i = 0; i < calls.size(); ++i) calls[i].trace_id.back() = static_cast<char>('0' + i);
  calls[0].call.partial = partial_joined_late;
  calls[2].call.partial = partial_lost;
  calls[0].lasting(900 * ms);
  const Span span = spans_of(calls).at(0);
  EXPECT_EQ(span.trace_id, calls[1].trace_id);
  EXPECT_EQ(span.exemplar_partial, partial_no);
  EXPECT_EQ(span.count, 3U);
  EXPECT_EQ(span.partial_count, 2U);
  EXPECT_EQ(span.duration.count, 1U) << "a duration whose beginning was missed is not one";
  EXPECT_EQ(span.duration.max, 3 * ms);
}

TEST(Windows, SetErrorAsOpenTelemetrySays) {
  const auto span_of = [](Kind kind, int status) {
    SampleCall call;
    call.call.kind = kind;
    call.call.status = status;
    return spans_of({call}).at(0);
  };
  EXPECT_FALSE(span_of(Kind::server, 404).error);
  EXPECT_EQ(attribute(span_of(Kind::server, 404), "error.type"), "(none)");
  EXPECT_TRUE(span_of(Kind::client, 404).error);
  EXPECT_EQ(attribute(span_of(Kind::client, 404), "error.type"), "404");
  EXPECT_TRUE(span_of(Kind::server, 503).error);
  EXPECT_TRUE(span_of(Kind::client, 503).error);
  EXPECT_FALSE(span_of(Kind::client, 302).error);
}

TEST(Windows, NeverInventAStatus) {
  SampleCall call;
  call.call.status.reset();
  call.call.partial = partial_no_response;
  const Span span = spans_of({call}).at(0);
  EXPECT_EQ(attribute(span, "http.response.status_code"), "(none)");
  EXPECT_FALSE(span.error);
}

TEST(Windows, NameUnknownMethodsOther) {
  SampleCall call;
  call.call.operation = "BREW";
  const Span span = spans_of({call}).at(0);
  EXPECT_EQ(span.name, "HTTP");
  EXPECT_EQ(attribute(span, "http.request.method"), "_OTHER");
  EXPECT_EQ(attribute(span, "http.request.method_original"), "BREW");
  SampleCall unseen;
  unseen.call.operation.clear();
  EXPECT_EQ(attribute(spans_of({unseen}).at(0), "http.request.method"), "_unknown");
}

TEST(Windows, HoldTheLimitOfGroupsAndLoseNoCall) {
  WindowOptions options;
  options.max_groups = 50;
  std::vector<SampleCall> calls;
  for (int service = 0; service < 40; ++service) {
    for (int i = 0; i < 20; ++i) {
      SampleCall call;
      call.process.executable = "/bin/s" + std::to_string(service);
      call.call.kind = i % 2 == 0 ? Kind::server : Kind::client;
      call.call.path = "/" + std::to_string(i);
      calls.push_back(call);
    }
  }
  CollectedSpans sink;
  Windows windows(options, 0, sink);
  for (const auto& call : calls) windows.add(call.observation());
  const WindowSummary summary = windows.close(1, std::nullopt);
  EXPECT_LE(sink.spans.size(), options.max_groups);
  const auto sum = [&](bool overflow) {
    std::uint64_t n = 0;
    for (const Span& span : sink.spans) n += span.overflow == overflow ? span.count : 0;
    return n;
  };
  EXPECT_EQ(sum(true) + sum(false), calls.size());
  EXPECT_EQ(sum(true), summary.merged_calls);
  EXPECT_GT(summary.merged_calls, 0U);
  EXPECT_EQ(summary.calls, calls.size());
  EXPECT_EQ(windows.merged_calls(), summary.merged_calls);
  for (const Span& span : sink.spans) {
    if (!span.overflow) continue;
    EXPECT_EQ(attribute(span, "url.path"), span.protocol == "http" ? "{other}" : "(none)");
    EXPECT_EQ(attribute(span, "http.response.status_code"), "(none)");
  }
}

TEST(Windows, BoundThePathAGroupKeeps) {
  SampleCall call;
  call.call.path = "/" + std::string(100'000, 'x');
  EXPECT_EQ(attribute(spans_of({call}).at(0), "url.path").size(), 1024U);
}

TEST(Windows, BeginAnewAfterClosing) {
  CollectedSpans sink;
  Windows windows({}, 100, sink);
  windows.add(SampleCall().observation());
  windows.close(200, 0.5);
  windows.close(300, std::nullopt);
  windows.add(SampleCall().observation());
  windows.close(400, 1.0);
  ASSERT_EQ(sink.windows.size(), 3U);
  EXPECT_EQ(sink.windows[0].calls, 1U);
  EXPECT_EQ(sink.windows[0].completeness, 0.5);
  EXPECT_EQ(sink.windows[1].calls, 0U);
  EXPECT_EQ(sink.windows[1].start, 200U);
  ASSERT_EQ(sink.spans.size(), 2U);
  EXPECT_EQ(sink.spans[1].window_start, 300U);
  EXPECT_EQ(sink.spans[1].count, 1U);
}

TEST(Windows, TakeOverOptionsWhileTheyCount) {
  CollectedSpans sink;
  Windows windows({}, 0, sink);
  windows.add(SampleCall().observation());
  windows.close(1000, 1.0);
  windows.set_options({.window = 0});
  windows.add(SampleCall().observation());
  ASSERT_EQ(sink.spans.size(), 2U) << "each call is a span now";
  EXPECT_EQ(sink.spans[1].window_end, 0U);
  windows.set_options({.window = 1000});
  windows.add(SampleCall().observation());
  EXPECT_EQ(sink.spans.size(), 2U);
  windows.close(2000, 1.0);
  EXPECT_EQ(sink.spans.size(), 3U);
}

TEST(Windows, WithoutAggregationGiveASpanPerCallAtOnce) {
  WindowOptions options;
  options.window = 0;
  CollectedSpans sink;
  Windows windows(options, 0, sink);
  windows.add(SampleCall().observation());
  windows.add(SampleCall().observation());
  ASSERT_EQ(sink.spans.size(), 2U);
  EXPECT_EQ(sink.spans[0].count, 1U);
  EXPECT_EQ(sink.spans[0].window_end, 0U);
  EXPECT_EQ(attribute(sink.spans[0], "url.query"), "page=2");
  EXPECT_EQ(windows.groups(), 0U);
}

TEST(Windows, GroupByRouteOnceTheyAreNearlyFull) {
  CollectedSpans sink;
  Windows windows({.window = 5000 * ms, .max_groups = 100}, 0, sink);
  for (int i = 0; i < 1000; ++i) {
    SampleCall call;
    call.call.path = "/orders/" + std::to_string(i);
    call.connection.remote = testing::ipv4(10, 0, 0, static_cast<std::uint8_t>(i % 250), 4000);
    Observation observation = call.observation();
    observation.route = "/orders/{id}";
    windows.add(observation);
  }
  windows.close(5000 * ms, 1);
  std::uint64_t by_path = 0, by_route = 0;
  for (const Span& span : sink.spans) {
    EXPECT_EQ(attribute(span, "subfloor.route"), "/orders/{id}");
    EXPECT_EQ(attribute(span, "http.route"), "(none)") << "it was inferred";
    EXPECT_FALSE(span.overflow);
    const bool merged = attribute(span, "url.path") == "(none)";
    (merged ? by_route : by_path) += span.count;
    if (merged) {
      EXPECT_EQ(attribute(span, "network.peer.address"), "(none)");
      EXPECT_EQ(attribute(span, "http.response.status_code"), "200");
    }
  }
  EXPECT_EQ(by_path, 66U);
  EXPECT_EQ(by_route, 934U);
  EXPECT_EQ(windows.routed_calls(), by_route);
  EXPECT_EQ(windows.merged_calls(), 0U);
}

}  // namespace
}  // namespace subfloor
