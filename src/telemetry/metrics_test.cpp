// SPDX-License-Identifier: Apache-2.0
#include "telemetry/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
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

constexpr std::array<Family::Constant, 1> redis_constants{{{"db.system.name", "redis"}}};
constexpr std::array<Family::Constant, 1> postgres_constants{{{"db.system.name", "postgresql"}}};
constexpr Family shared_redis{.name = "redis",
                              .operation_key = "db.operation.name",
                              .status_key = "",
                              .error_key = "db.response.status_code",
                              .constants = redis_constants,
                              .otel_duration_metric = {"", "db.client.operation.duration"},
                              .otel_duration_bounds = otel_database_bounds};
constexpr Family shared_postgres{.name = "postgresql",
                                 .operation_key = "db.operation.name",
                                 .target_key = "db.collection.name",
                                 .status_key = "",
                                 .error_key = "db.response.status_code",
                                 .constants = postgres_constants,
                                 .otel_duration_metric = {"", "db.client.operation.duration"},
                                 .otel_duration_bounds = otel_database_bounds};
constexpr Protocol shared_redis_protocol{"redis", &shared_redis}, shared_postgres_protocol{"postgres", &shared_postgres};

SampleCall database_call(const Protocol& protocol, std::string operation, std::string target, Kind kind) {
  SampleCall call;
  call.call.protocol = &protocol;
  call.call.operation = std::move(operation);
  call.call.target = std::move(target);
  call.call.path.clear();
  call.call.status.reset();
  call.call.kind = kind;
  return call;
}

TEST(Metrics, FamiliesMayShareAMetric) {
  SampleCall failed = database_call(shared_postgres_protocol, "SELECT", "nothing", Kind::client);
  failed.call.error = "42P01";
  const auto snapshot = snapshot_of({database_call(shared_redis_protocol, "GET", "", Kind::client),
                                     database_call(shared_postgres_protocol, "SELECT", "orders", Kind::client), failed},
                                    MetricConvention::otel);
  const auto named = std::count_if(snapshot.families.begin(), snapshot.families.end(), [](const MetricFamily& one) {
    return one.name == "db.client.operation.duration";
  });
  EXPECT_EQ(named, 1);
  const MetricFamily* shared = family(snapshot, "db.client.operation.duration");
  ASSERT_NE(shared, nullptr);
  EXPECT_EQ(shared->unit, "s");
  ASSERT_EQ(shared->points.size(), 3U);
  std::map<std::string, std::string> operations;
  for (const MetricPoint& point : shared->points) {
    EXPECT_EQ(point.histogram.bounds, (std::vector<double>{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}));
    EXPECT_EQ(label(point, "http.request.method"), "(none)");
    operations[label(point, "db.system.name") + " " + label(point, "db.operation.name") + " " +
               label(point, "db.collection.name")] = label(point, "error.type");
  }
  EXPECT_EQ(operations, (std::map<std::string, std::string>{{"redis GET (none)", "(none)"},
                                                            {"postgresql SELECT orders", "(none)"},
                                                            {"postgresql SELECT nothing", "42P01"}}));
}

TEST(Metrics, DefaultConventionGivesEachFamilyItsOwnServerAndClientMetrics) {
  const auto snapshot = snapshot_of({database_call(shared_redis_protocol, "GET", "", Kind::client),
                                     database_call(shared_redis_protocol, "GET", "", Kind::server),
                                     database_call(shared_postgres_protocol, "SELECT", "orders", Kind::client)},
                                    MetricConvention::standard);
  for (const char* name :
       {"redis.client.request.duration", "redis.server.request.duration", "postgresql.client.request.duration"}) {
    ASSERT_NE(family(snapshot, name), nullptr) << name;
    EXPECT_EQ(family(snapshot, name)->unit, "ms");
    EXPECT_EQ(family(snapshot, name)->points.size(), 1U);
  }
  EXPECT_EQ(family(snapshot, "postgresql.client.request.duration")->points[0].labels,
            (Labels{{"service", "nginx"},
                    {"operation", "SELECT"},
                    {"target", "orders"},
                    {"status_code", "unset"},
                    {"kind", "client"}}));
}

TEST(Metrics, AFamilyMayNameItsMetricAndBoundsItself) {
  static constexpr std::array<std::uint64_t, 3> bounds{1 * ms, 5 * ms, 500 * ms};
  static constexpr Family dns{.name = "dns",
                              .target_key = "dns.question.name",
                              .status_text = [](int status) -> std::string_view { return status == 3 ? "NXDOMAIN" : "_"; },
                              .duration_metric = {"", "dns.resolution.duration"},
                              .duration_bounds = bounds};
  static constexpr Protocol protocol{"dns", &dns};
  SampleCall call = database_call(protocol, "A", "nowhere.example", Kind::client);
  call.call.status = 3;
  const auto snapshot = snapshot_of({call}, MetricConvention::standard);
  const MetricFamily* durations = family(snapshot, "dns.resolution.duration");
  ASSERT_NE(durations, nullptr);
  EXPECT_EQ(durations->points.at(0).histogram.bounds, (std::vector<double>{1, 5, 500}));
  EXPECT_EQ(label(durations->points[0], "status_code"), "NXDOMAIN");
  EXPECT_EQ(label(durations->points[0], "target"), "nowhere.example");
}

// What no label tells apart is one point: labels must not appear twice.
TEST(Metrics, NoSetOfLabelsAppearsTwice) {
  SampleCall one = database_call(shared_redis_protocol, "GET", "a", Kind::client);
  SampleCall two = database_call(shared_redis_protocol, "GET", "b", Kind::client);
  SampleCall three = one, four = one;
  three.call.error = four.call.error = "ERR";
  three.call.status = 7;
  for (const MetricConvention convention : {MetricConvention::standard, MetricConvention::otel}) {
    std::uint64_t calls = 0;
    const auto snapshot = snapshot_of({one, two, three, four}, convention);
    for (const MetricFamily& metric : snapshot.families) {
      for (std::size_t i = 0; i < metric.points.size(); ++i) {
        if (metric.type == MetricType::histogram) calls += metric.points[i].histogram.count;
        for (std::size_t j = 0; j < i; ++j) EXPECT_NE(metric.points[i].labels, metric.points[j].labels) << metric.name;
      }
    }
    EXPECT_EQ(calls, 4U);
  }
}

TEST(Metrics, HoldTheLimitOfTargetsOfAServiceAndCountWhatIsMerged) {
  Metrics metrics({.max_targets = 3});
  for (int i = 0; i < 10; ++i) {
    metrics.add(database_call(shared_postgres_protocol, "SELECT", "t" + std::to_string(i), Kind::client).observation());
    metrics.add(database_call(shared_postgres_protocol, "INSERT", "t" + std::to_string(i), Kind::client).observation());
  }
  SampleCall another = database_call(shared_postgres_protocol, "SELECT", "x", Kind::client);
  another.process.executable = "/bin/another";
  metrics.add(another.observation());
  const auto snapshot = metrics.snapshot({}, {});
  std::map<std::string, std::uint64_t> calls;
  for (const MetricPoint& point : family(snapshot, "postgresql.client.request.duration")->points)
    calls[label(point, "service") + " " + label(point, "target")] += point.histogram.count;
  EXPECT_EQ(calls, (std::map<std::string, std::uint64_t>{
                       {"nginx t0", 2}, {"nginx t1", 2}, {"nginx t2", 2}, {"nginx {other}", 14}, {"another x", 1}}));
  EXPECT_EQ(metrics.merged_targets(), 14U);
  EXPECT_EQ(std::get<std::uint64_t>(family(snapshot, "subfloor.metrics.merged_targets")->points[0].value), 14U);
}

TEST(Metrics, ActiveRequestsAreToldForEachFamily) {
  Gauges gauges;
  gauges.requests = {{"", &shared_redis, Kind::client, 2}, {"", &shared_postgres, Kind::server, 1}};
  for (const auto& [convention, type] : {std::pair{MetricConvention::standard, MetricType::gauge},
                                         std::pair{MetricConvention::otel, MetricType::up_down}}) {
    const auto snapshot = Metrics({convention}).snapshot(gauges, {});
    for (const auto& [name, value] : {std::pair{"redis.client.active_requests", 2U}, {"postgresql.server.active_requests", 1U}}) {
      ASSERT_NE(family(snapshot, name), nullptr) << name;
      EXPECT_EQ(family(snapshot, name)->type, type);
      EXPECT_EQ(std::get<std::uint64_t>(family(snapshot, name)->points.at(0).value), value);
    }
  }
}

TEST(Metrics, RoutesThatWereMergedAreTold) {
  SelfReport report;
  report.routes = {.services = 2, .routes = 7, .merged = 32, .refused = 5};
  const auto snapshot = Metrics().snapshot({}, report);
  EXPECT_EQ(std::get<std::uint64_t>(family(snapshot, "subfloor.routes")->points[0].value), 7U);
  EXPECT_EQ(std::get<std::uint64_t>(family(snapshot, "subfloor.routes.merged")->points[0].value), 32U);
  EXPECT_EQ(std::get<std::uint64_t>(family(snapshot, "subfloor.routes.refused")->points[0].value), 5U);
}

}  // namespace
}  // namespace subfloor
