// SPDX-License-Identifier: Apache-2.0
#include "telemetry/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "telemetry/testing.h"

namespace subfloor {
namespace {

using testing::SampleCall;

constexpr Nanoseconds ms = 1'000'000;

const MetricFamily* family(const MetricSnapshot& snapshot, std::string_view name) {
  const auto found = std::find_if(snapshot.families.begin(), snapshot.families.end(),
                                  [&](const MetricFamily& candidate) { return candidate.name == name; });
  return found == snapshot.families.end() ? nullptr : &*found;
}

std::string label(const MetricPoint& point, std::string_view name) {
  for (const Label& candidate : point.labels) {
    if (candidate.name == name) return candidate.value;
  }
  return "(none)";
}

const HistogramPoint& histogram(const MetricPoint& point) { return point.histogram; }

MetricSnapshot snapshot_of(const std::vector<SampleCall>& calls, MetricConvention convention) {
  Metrics metrics({convention, 2000});
  for (const SampleCall& call : calls) metrics.add(call.observation());
  return metrics.snapshot({}, {});
}

TEST(Metrics, DefaultConventionIsMillisecondsWithTheBoundsOfTheContract) {
  const auto snapshot =
      snapshot_of({SampleCall().lasting(3 * ms), SampleCall().lasting(75 * ms)}, MetricConvention::standard);
  const MetricFamily* durations = family(snapshot, "http.server.request.duration");
  ASSERT_NE(durations, nullptr);
  EXPECT_EQ(durations->unit, "ms");
  ASSERT_EQ(durations->points.size(), 1U);
  const HistogramPoint& point = histogram(durations->points[0]);
  EXPECT_EQ(point.bounds, (std::vector<double>{1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000}));
  EXPECT_EQ(point.counts, (std::vector<std::uint64_t>{0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(point.count, 2U);
  EXPECT_DOUBLE_EQ(point.sum, 78);
  EXPECT_EQ(
      durations->points[0].labels,
      (Labels{
          {"service", "nginx"}, {"method", "GET"}, {"route", "{other}"}, {"status_code", "200"}, {"kind", "server"}}));
  EXPECT_NE(family(snapshot, "http.server.request.body_size"), nullptr);
}

TEST(Metrics, OtelConventionIsSecondsWithOpenTelemetrysBoundsAndAttributes) {
  SampleCall failed;
  failed.call.status = 503;
  const auto snapshot = snapshot_of({SampleCall().lasting(60 * ms), failed}, MetricConvention::otel);
  const MetricFamily* durations = family(snapshot, "http.server.request.duration");
  ASSERT_NE(durations, nullptr);
  EXPECT_EQ(durations->unit, "s");
  ASSERT_EQ(durations->points.size(), 2U);
  const HistogramPoint& point = histogram(durations->points[0]);
  EXPECT_EQ(point.bounds,
            (std::vector<double>{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}));
  EXPECT_EQ(point.counts[4], 1U);
  EXPECT_DOUBLE_EQ(point.sum, 0.06);
  EXPECT_EQ(durations->points[0].labels, (Labels{{"service.name", "nginx"},
                                                 {"http.request.method", "GET"},
                                                 {"url.scheme", "http"},
                                                 {"http.response.status_code", "200", LabelType::integer}}));
  EXPECT_EQ(label(durations->points[1], "error.type"), "503");
  EXPECT_NE(family(snapshot, "http.server.request.body.size"), nullptr);
  EXPECT_EQ(family(snapshot, "http.server.request.body_size"), nullptr);
}

TEST(Metrics, OtelClientsSayWhereTheyCalled) {
  SampleCall named, unnamed, v6;
  for (SampleCall* call : {&named, &unnamed, &v6}) call->call.kind = Kind::client;
  named.call.request_headers.add("Host", "shop.example:8080");
  v6.call.request_headers.add("Host", "[::1]:9");
  const auto snapshot = snapshot_of({named, unnamed, v6}, MetricConvention::otel);
  const MetricFamily* durations = family(snapshot, "http.client.request.duration");
  ASSERT_NE(durations, nullptr);
  ASSERT_EQ(durations->points.size(), 3U);
  std::vector<std::string> servers;
  servers.reserve(durations->points.size());
  for (const auto& point : durations->points)
    servers.push_back(label(point, "server.address") + " " + label(point, "server.port"));
  std::sort(servers.begin(), servers.end());
  EXPECT_EQ(servers, (std::vector<std::string>{"127.0.0.2 45678", "[::1] 9", "shop.example 8080"}));
}

TEST(Metrics, DefaultConventionHasNoPathAndNoAddress) {
  SampleCall one, two;
  two.call.path = "/elsewhere";
  two.connection.remote.port = 9;
  two.connection.remote.ip[15] = 77;
  const auto snapshot = snapshot_of({one, two}, MetricConvention::standard);
  EXPECT_EQ(family(snapshot, "http.server.request.duration")->points.size(), 1U);
}

TEST(Metrics, StatusIsUnsetWhereNoneWasSeen) {
  SampleCall call;
  call.call.status.reset();
  call.call.partial = partial_no_response;
  const auto standard = snapshot_of({call}, MetricConvention::standard);
  EXPECT_EQ(label(family(standard, "http.server.request.duration")->points[0], "status_code"), "unset");
  const auto otel = snapshot_of({call}, MetricConvention::otel);
  EXPECT_EQ(label(family(otel, "http.server.request.duration")->points[0], "http.response.status_code"), "(none)");
}

TEST(Metrics, UnknownMethodsShareOneSeries) {
  SampleCall brew, cook;
  brew.call.operation = "BREW";
  cook.call.operation = "COOK";
  const auto snapshot = snapshot_of({brew, cook}, MetricConvention::standard);
  const auto& points = family(snapshot, "http.server.request.duration")->points;
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(label(points[0], "method"), "_OTHER");
}

TEST(Metrics, DurationsThatWereNotSeenWholeAreCountedAside) {
  SampleCall late;
  late.call.partial = partial_joined_late;
  const auto snapshot = snapshot_of({late, SampleCall()}, MetricConvention::standard);
  EXPECT_EQ(histogram(family(snapshot, "http.server.request.duration")->points[0]).count, 1U);
  EXPECT_EQ(std::get<std::uint64_t>(family(snapshot, "subfloor.calls.unmeasured")->points[0].value), 1U);
}

TEST(Metrics, OtherProtocolsHaveTheirOwnPrefixAndOperations) {
  SampleCall call;
  call.call.protocol = &testing::redis;
  call.call.operation = "GET";
  call.call.status.reset();
  call.call.error = "WRONGTYPE";
  const auto snapshot = snapshot_of({call, SampleCall()}, MetricConvention::standard);
  const MetricFamily* durations = family(snapshot, "redis.server.request.duration");
  ASSERT_NE(durations, nullptr);
  EXPECT_EQ(label(durations->points[0], "operation"), "GET");
  EXPECT_EQ(label(durations->points[0], "error"), "WRONGTYPE");
  EXPECT_EQ(family(snapshot, "redis.server.request.body_size"), nullptr);
}

TEST(Metrics, HoldTheLimitOfSeriesAndLoseNoCall) {
  Metrics metrics({MetricConvention::standard, 20});
  for (int i = 0; i < 100; ++i) {
    SampleCall call;
    call.process.executable = "/bin/s" + std::to_string(i);
    call.call.kind = i % 2 == 0 ? Kind::server : Kind::client;
    metrics.add(call.observation());
  }
  EXPECT_LE(metrics.series(), 20U);
  const auto snapshot = metrics.snapshot({}, {});
  std::uint64_t calls = 0, merged = 0;
  for (const char* name : {"http.server.request.duration", "http.client.request.duration"}) {
    for (const auto& point : family(snapshot, name)->points) {
      calls += histogram(point).count;
      if (label(point, "service") == "{other}") merged += histogram(point).count;
    }
  }
  EXPECT_EQ(calls, 100U);
  EXPECT_EQ(merged, metrics.merged_calls());
  EXPECT_GT(merged, 0U);
}

TEST(Metrics, NamesThatBecomeEqualOncePrintableShareASeries) {
  SampleCall one, two;
  one.process.executable = "/bin/\xff";
  two.process.executable = "/bin/\xfe";
  const auto snapshot = snapshot_of({one, two}, MetricConvention::standard);
  const auto& points = family(snapshot, "http.server.request.duration")->points;
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(histogram(points[0]).count, 2U);
}

TEST(Metrics, GaugesComeFromTheOwner) {
  Gauges gauges;
  gauges.requests = {
      {"", &http_family, Kind::server, 2}, {"", &http_family, Kind::server, 3}, {"", &http_family, Kind::client, 1}};
  gauges.connections = {{"", std::nullopt, 12}};
  const auto snapshot = Metrics().snapshot(gauges, {});
  const MetricFamily* active = family(snapshot, "http.server.active_requests");
  ASSERT_NE(active, nullptr);
  ASSERT_EQ(active->points.size(), 1U);
  EXPECT_EQ(std::get<std::uint64_t>(active->points[0].value), 5U);
  EXPECT_NE(family(snapshot, "http.client.active_requests"), nullptr);
  EXPECT_EQ(std::get<std::uint64_t>(family(snapshot, "tcp.connections.active")->points[0].value), 12U);
}

TEST(Metrics, LossesAreToldBySensorAndCause) {
  SelfReport report;
  report.losses = {{"tcp_send", "ring_full", 7}};
  report.completeness_window = 0.5;
  const auto snapshot = Metrics().snapshot({}, report);
  const MetricPoint& lost = family(snapshot, "subfloor.sensor.lost")->points.at(0);
  EXPECT_EQ(label(lost, "sensor"), "tcp_send");
  EXPECT_EQ(label(lost, "cause"), "ring_full");
  EXPECT_EQ(std::get<std::uint64_t>(lost.value), 7U);
  EXPECT_EQ(std::get<double>(family(snapshot, "subfloor.window.completeness")->points[0].value), 0.5);
}

}  // namespace
}  // namespace subfloor
