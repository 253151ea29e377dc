// SPDX-License-Identifier: Apache-2.0
// What comes out of the conversion, decoded again field by field.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include <array>
#include <map>

#include "exporters/otlp/library.h"
#include "telemetry/metrics.h"
#include "telemetry/testing.h"
#include "telemetry/windows.h"

namespace subfloor::otlp {
namespace {

namespace proto = opentelemetry::proto;
using subfloor::testing::CollectedSpans;
using subfloor::testing::SampleCall;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr Nanoseconds ms = 1'000'000, second = 1'000 * ms;

const Origin origin{{{"host.name", "node-1"}, {"host.arch", "amd64"}, {"deployment.environment.name", "prod"}},
                    {{"service.name", "subfloor"}, {"process.pid", "77", LabelType::integer}},
                    "0.1.0"};

// "text", "7", "0.5", "true", "[1, 2]": the value with its type showing.
std::string shown(const proto::common::v1::AnyValue& value) {
  using Any = proto::common::v1::AnyValue;
  switch (value.value_case()) {
    case Any::kStringValue: return "'" + value.string_value() + "'";
    case Any::kIntValue: return std::to_string(value.int_value());
    case Any::kDoubleValue: return fmt::format("{}d", value.double_value());
    case Any::kBoolValue: return value.bool_value() ? "true" : "false";
    case Any::kArrayValue: {
      std::string all;
      for (const auto& item : value.array_value().values()) all += (all.empty() ? "" : ", ") + shown(item);
      return "[" + all + "]";
    }
    default: return "?";
  }
}

template <class List>
std::map<std::string, std::string> attributes(const List& list) {
  std::map<std::string, std::string> result;
  for (const auto& attribute : list) {
    EXPECT_TRUE(result.emplace(attribute.key(), shown(attribute.value())).second) << attribute.key() << " twice";
  }
  return result;
}

proto::collector::trace::v1::ExportTraceServiceRequest decoded(const std::vector<Span>& spans) {
  proto::collector::trace::v1::ExportTraceServiceRequest request;
  EXPECT_TRUE(request.ParseFromString(encode(spans, origin)));
  return request;
}

std::vector<Span> spans_of(const std::vector<SampleCall>& calls, WindowOptions options = {}) {
  CollectedSpans sink;
  Windows windows(options, 1 * second, sink);
  for (const SampleCall& call : calls) windows.add(call.observation());
  windows.close(6 * second, 0.75);
  return sink.spans;
}

SampleCall sample() {
  SampleCall call;
  call.parent_span_id = "00f067aa0ba902b7";
  call.call.request_headers.add("Host", "shop.example:8080");
  call.process.container_id = std::string(64, 'c');
  call.process.language = Language::nodejs;
  return call;
}

TEST(OtlpSpans, CarryEveryFieldOfAWindowsGroup) {
  SampleCall first = sample(), second_call = sample();
  second_call.lasting(9 * ms);
  const auto request = decoded(spans_of({first, second_call}));
  ASSERT_EQ(request.resource_spans_size(), 1);
  const auto& of = request.resource_spans(0);
  EXPECT_THAT(attributes(of.resource().attributes()),
              UnorderedElementsAre(Pair("service.name", "'nginx'"), Pair("service.instance.id", "'node-1'"),
                                   Pair("container.id", "'" + std::string(64, 'c') + "'"), Pair("process.pid", "4242"),
                                   Pair("process.executable.name", "'nginx'"),
                                   Pair("process.executable.path", "'/usr/sbin/nginx'"),
                                   Pair("process.runtime.name", "'nodejs'"), Pair("telemetry.sdk.language", "'nodejs'"),
                                   Pair("host.name", "'node-1'"), Pair("host.arch", "'amd64'"),
                                   Pair("deployment.environment.name", "'prod'")));
  ASSERT_EQ(of.scope_spans_size(), 1);
  EXPECT_EQ(of.scope_spans(0).scope().name(), "subfloor");
  EXPECT_EQ(of.scope_spans(0).scope().version(), "0.1.0");
  ASSERT_EQ(of.scope_spans(0).spans_size(), 1);
  const auto& span = of.scope_spans(0).spans(0);
  EXPECT_EQ(span.trace_id(), "\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c");
  EXPECT_EQ(span.span_id(), "\xb7\xad\x6b\x71\x69\x20\x33\x31");
  EXPECT_EQ(span.parent_span_id(), std::string("\x00\xf0\x67\xaa\x0b\xa9\x02\xb7", 8));
  EXPECT_EQ(span.flags(), 0x301U) << "sampled, and the parent is remote";
  EXPECT_EQ(span.name(), "GET");
  EXPECT_EQ(span.kind(), proto::trace::v1::Span::SPAN_KIND_SERVER);
  EXPECT_EQ(span.start_time_unix_nano(), to_unix(first.call.start));
  EXPECT_EQ(span.end_time_unix_nano() - span.start_time_unix_nano(), 3 * ms);
  EXPECT_EQ(span.status().code(), proto::trace::v1::Status::STATUS_CODE_UNSET);
  auto of_span = attributes(span.attributes());
  EXPECT_EQ(of_span["subfloor.window.start_unix_ns"], std::to_string(to_unix(1 * second)));
  EXPECT_EQ(of_span["subfloor.window.end_unix_ns"], std::to_string(to_unix(6 * second)));
  EXPECT_EQ(of_span["subfloor.duration.bucket_counts"], "[0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]");
  EXPECT_TRUE(of_span["subfloor.duration.bounds_ns"].starts_with("[1000000, 5000000, 10000000, "));
  for (const char* checked :
       {"subfloor.window.start_unix_ns", "subfloor.window.end_unix_ns", "subfloor.duration.bucket_counts",
        "subfloor.duration.bounds_ns", "subfloor.duration.p50_ns", "subfloor.duration.p90_ns",
        "subfloor.duration.p95_ns", "subfloor.duration.p99_ns"}) {
    EXPECT_EQ(of_span.erase(checked), 1U) << checked;
  }
  EXPECT_THAT(of_span,
              UnorderedElementsAre(
                  Pair("http.request.method", "'GET'"), Pair("url.path", "'/orders'"), Pair("url.scheme", "'http'"),
                  Pair("http.response.status_code", "200"), Pair("server.address", "'shop.example'"),
                  Pair("server.port", "8080"), Pair("network.protocol.name", "'http'"),
                  Pair("network.protocol.version", "'1.1'"), Pair("network.transport", "'tcp'"),
                  Pair("network.type", "'ipv4'"), Pair("network.peer.address", "'127.0.0.2'"),
                  Pair("network.local.port", "80"), Pair("subfloor.count", "2"), Pair("subfloor.error_count", "0"),
                  Pair("subfloor.partial_count", "0"), Pair("subfloor.request_body_bytes", "0"),
                  Pair("subfloor.response_body_bytes", "1224"), Pair("subfloor.duration.count", "2"),
                  Pair("subfloor.duration.min_ns", "3000000"), Pair("subfloor.duration.mean_ns", "6000000"),
                  Pair("subfloor.duration.max_ns", "9000000"), Pair("subfloor.completeness", "0.75d")));
}

TEST(OtlpSpans, WithoutAggregationAreOnePerRequest) {
  SampleCall call = sample();
  call.call.partial = partial_no_response | partial_lost;
  call.call.status.reset();
  call.parent_span_id.clear();
  const auto request = decoded(spans_of({call, call}, {.window = 0}));
  ASSERT_EQ(request.resource_spans_size(), 1);
  ASSERT_EQ(request.resource_spans(0).scope_spans(0).spans_size(), 2);
  const auto& span = request.resource_spans(0).scope_spans(0).spans(0);
  EXPECT_EQ(span.parent_span_id(), "");
  EXPECT_EQ(span.flags(), 1U);
  const auto of_span = attributes(span.attributes());
  EXPECT_EQ(of_span.at("url.query"), "'page=2'");
  EXPECT_EQ(of_span.at("http.request.body.size"), "0");
  EXPECT_EQ(of_span.at("subfloor.partial"), "['lost', 'no_response']");
  for (const char* none : {"subfloor.count", "http.response.status_code", "http.response.body.size",
                           "subfloor.duration.count", "subfloor.window.start_unix_ns"}) {
    EXPECT_FALSE(of_span.contains(none)) << none;
  }
}

TEST(OtlpSpans, OfAClientNameTheServerAndTheWholeUrl) {
  SampleCall call = sample();
  call.call.kind = Kind::client;
  SampleCall unnamed;
  unnamed.call.kind = Kind::client;
  unnamed.connection.remote = subfloor::testing::ipv4(10, 0, 0, 9, 81);
  unnamed.call.path = "/other";
  std::map<std::string, std::map<std::string, std::string>> by_path;
  const auto request = decoded(spans_of({call, unnamed}));
  for (const auto& resource : request.resource_spans()) {
    for (const auto& span : resource.scope_spans(0).spans()) {
      EXPECT_EQ(span.kind(), proto::trace::v1::Span::SPAN_KIND_CLIENT);
      EXPECT_EQ(span.flags(), 1U) << "whose parent may be of its own process";
      const auto all = attributes(span.attributes());
      by_path[all.at("url.path")] = all;
    }
  }
  EXPECT_EQ(by_path["'/orders'"]["url.full"], "'http://shop.example:8080/orders'");
  EXPECT_EQ(by_path["'/orders'"]["server.address"], "'shop.example'");
  EXPECT_EQ(by_path["'/other'"]["url.full"], "'http://10.0.0.9:81/other'");
  EXPECT_EQ(by_path["'/other'"]["server.port"], "81");
  EXPECT_EQ(by_path["'/other'"]["network.peer.port"], "81");
}

TEST(OtlpSpans, AreErrorsAsTheConventionsSay) {
  const auto status_of = [](Kind kind, int status) {
    SampleCall call;
    call.call.kind = kind;
    call.call.status = status;
    const auto request = decoded(spans_of({call}));
    const auto& span = request.resource_spans(0).scope_spans(0).spans(0);
    const auto all = attributes(span.attributes());
    EXPECT_EQ(all.contains("error.type"), span.status().code() == proto::trace::v1::Status::STATUS_CODE_ERROR);
    if (all.contains("error.type")) {
      EXPECT_EQ(all.at("error.type"), "'" + std::to_string(status) + "'");
    }
    return span.status().code();
  };
  EXPECT_EQ(status_of(Kind::server, 404), proto::trace::v1::Status::STATUS_CODE_UNSET);
  EXPECT_EQ(status_of(Kind::client, 404), proto::trace::v1::Status::STATUS_CODE_ERROR);
  EXPECT_EQ(status_of(Kind::server, 503), proto::trace::v1::Status::STATUS_CODE_ERROR);
  EXPECT_EQ(status_of(Kind::client, 302), proto::trace::v1::Status::STATUS_CODE_UNSET);
}

TEST(OtlpSpans, KeepWhatTheCallerDecidedAndItsTraceState) {
  SampleCall call = sample();
  Observation observation = call.observation();
  observation.trace_flags = 0;
  observation.trace_state = "vendor=x";
  CollectedSpans sink;
  Windows windows({}, 0, sink);
  windows.add(observation);
  windows.close(second, {});
  const auto request = decoded(sink.spans);
  const auto& span = request.resource_spans(0).scope_spans(0).spans(0);
  EXPECT_EQ(span.flags(), 0x300U);
  EXPECT_EQ(span.trace_state(), "vendor=x");
}

TEST(OtlpSpans, AreSortedByProcess) {
  std::vector<SampleCall> calls(3);
  calls[1].call.path = "/other";
  calls[2].process.executable = "/usr/bin/curl";
  calls[2].call.pid = 9;
  const auto request = decoded(spans_of(calls));
  ASSERT_EQ(request.resource_spans_size(), 2);
  std::map<std::string, int> spans;
  for (const auto& of : request.resource_spans())
    spans[attributes(of.resource().attributes()).at("service.name")] = of.scope_spans(0).spans_size();
  EXPECT_THAT(spans, UnorderedElementsAre(Pair("'nginx'", 2), Pair("'curl'", 1)));
}

TEST(OtlpSpans, OfHostileBytesAreStillValidText) {
  SampleCall call;
  call.call.path = "/\xff\xfe";
  call.call.operation = "\xc3";
  call.process.executable = "/bin/\x80";
  call.process.comm = "\xff";
  call.call.request_headers.add("host", "\xf0\x9f");
  const auto request = decoded(spans_of({call}));
  ASSERT_EQ(request.resource_spans_size(), 1) << "protobuf refuses text that is not UTF-8";
  const auto all = attributes(request.resource_spans(0).scope_spans(0).spans(0).attributes());
  EXPECT_EQ(all.at("http.request.method"), "'_OTHER'");
}

// --- metrics ---------------------------------------------------------------------------------------------------------

using Decoded = proto::collector::metrics::v1::ExportMetricsServiceRequest;

Decoded decoded(const MetricSnapshot& snapshot) {
  Decoded request;
  EXPECT_TRUE(request.ParseFromString(encode(snapshot, origin)));
  return request;
}

struct Found {
  std::map<std::string, std::string> resource;
  proto::metrics::v1::Metric metric;
};

// The metric of that name of that service.
Found found(const Decoded& request, const std::string& service, const std::string& name) {
  for (const auto& of : request.resource_metrics()) {
    const auto resource = attributes(of.resource().attributes());
    if (resource.at("service.name") != "'" + service + "'") continue;
    EXPECT_EQ(of.scope_metrics_size(), 1);
    EXPECT_EQ(of.scope_metrics(0).scope().name(), "subfloor");
    for (const auto& metric : of.scope_metrics(0).metrics())
      if (metric.name() == name) return {resource, metric};
  }
  ADD_FAILURE() << "no " << name << " of " << service;
  return {};
}

MetricSnapshot snapshot_of(MetricConvention convention) {
  Metrics metrics({.convention = convention, .exemplars = true});
  SampleCall fast = sample(), slow = sample(), failing = sample();
  slow.lasting(30 * ms);
  failing.call.status = 500;
  metrics.add(fast.observation());
  const SeriesId series = metrics.add(slow.observation());
  metrics.add(failing.observation());
  Exemplar exemplar{.time = 4 * second};
  std::copy_n(fast.trace_id.begin(), 32, exemplar.trace_id.begin());
  std::copy_n(fast.span_id.begin(), 16, exemplar.span_id.begin());
  metrics.exemplify(series, 30 * ms, exemplar);
  Gauges gauges;
  gauges.requests = {{"", &http_family, Kind::server, 2}};
  gauges.connections = {{"nginx", std::nullopt, 5}};
  SelfReport report;
  report.cpu_seconds = 1.25;
  report.records = 1000;
  report.version = "0.1.0";
  MetricSnapshot snapshot = metrics.snapshot(gauges, report);
  snapshot.start = 2 * second;
  snapshot.time = 5 * second;
  return snapshot;
}

TEST(OtlpMetrics, OfTheDefaultConventionCarryEveryField) {
  const Decoded request = decoded(snapshot_of(MetricConvention::standard));
  const Found durations = found(request, "nginx", "http.server.request.duration");
  EXPECT_THAT(durations.resource,
              UnorderedElementsAre(Pair("service.name", "'nginx'"), Pair("service.instance.id", "'node-1'"),
                                   Pair("host.name", "'node-1'"), Pair("host.arch", "'amd64'"),
                                   Pair("deployment.environment.name", "'prod'")));
  EXPECT_EQ(durations.metric.unit(), "ms");
  EXPECT_FALSE(durations.metric.description().empty());
  ASSERT_TRUE(durations.metric.has_histogram());
  const auto& histogram = durations.metric.histogram();
  EXPECT_EQ(histogram.aggregation_temporality(), proto::metrics::v1::AGGREGATION_TEMPORALITY_CUMULATIVE);
  ASSERT_EQ(histogram.data_points_size(), 2);
  const auto& point = histogram.data_points(0);
  EXPECT_THAT(attributes(point.attributes()),
              UnorderedElementsAre(Pair("service", "'nginx'"), Pair("method", "'GET'"), Pair("route", "'{other}'"),
                                   Pair("status_code", "'200'"), Pair("kind", "'server'")));
  EXPECT_EQ(point.start_time_unix_nano(), to_unix(2 * second));
  EXPECT_EQ(point.time_unix_nano(), to_unix(5 * second));
  EXPECT_EQ(point.count(), 2U);
  EXPECT_DOUBLE_EQ(point.sum(), 33);
  EXPECT_THAT(point.explicit_bounds(), ElementsAre(1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000));
  EXPECT_THAT(point.bucket_counts(), ElementsAre(0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0));
  ASSERT_EQ(point.exemplars_size(), 1);
  const auto& exemplar = point.exemplars(0);
  EXPECT_DOUBLE_EQ(exemplar.as_double(), 30);
  EXPECT_EQ(exemplar.time_unix_nano(), to_unix(4 * second));
  EXPECT_EQ(exemplar.trace_id(), "\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c");
  EXPECT_EQ(exemplar.span_id(), "\xb7\xad\x6b\x71\x69\x20\x33\x31");
  EXPECT_TRUE(found(request, "nginx", "http.server.request.body_size").metric.has_histogram());
  EXPECT_TRUE(found(request, "subfloor", "http.server.active_requests").metric.has_gauge());
}

TEST(OtlpMetrics, OfTheOtelConventionHaveItsTypesAndUnits) {
  const Decoded request = decoded(snapshot_of(MetricConvention::otel));
  const Found durations = found(request, "nginx", "http.server.request.duration");
  EXPECT_EQ(durations.metric.unit(), "s");
  const auto& points = durations.metric.histogram().data_points();
  ASSERT_EQ(points.size(), 2);
  EXPECT_THAT(attributes(points[0].attributes()),
              UnorderedElementsAre(Pair("http.request.method", "'GET'"), Pair("url.scheme", "'http'"),
                                   Pair("http.response.status_code", "200")));
  EXPECT_THAT(attributes(points[1].attributes()),
              UnorderedElementsAre(Pair("http.request.method", "'GET'"), Pair("url.scheme", "'http'"),
                                   Pair("http.response.status_code", "500"), Pair("error.type", "'500'")));
  EXPECT_DOUBLE_EQ(points[0].exemplars(0).as_double(), 0.03);
  EXPECT_EQ(points[0].explicit_bounds_size(), 14);
  const auto& active = found(request, "subfloor", "http.server.active_requests").metric;
  ASSERT_TRUE(active.has_sum());
  EXPECT_FALSE(active.sum().is_monotonic());
  EXPECT_EQ(active.sum().data_points(0).as_int(), 2);
  EXPECT_EQ(active.sum().data_points(0).start_time_unix_nano(), to_unix(2 * second));
}

TEST(OtlpMetrics, OfTheAgentAreUnderItsOwnResource) {
  const Decoded request = decoded(snapshot_of(MetricConvention::standard));
  const Found records = found(request, "subfloor", "subfloor.records");
  EXPECT_EQ(records.resource.at("process.pid"), "77");
  EXPECT_EQ(records.resource.at("deployment.environment.name"), "'prod'");
  ASSERT_TRUE(records.metric.has_sum());
  EXPECT_TRUE(records.metric.sum().is_monotonic());
  EXPECT_EQ(records.metric.sum().aggregation_temporality(), proto::metrics::v1::AGGREGATION_TEMPORALITY_CUMULATIVE);
  EXPECT_EQ(records.metric.sum().data_points(0).as_int(), 1000);
  EXPECT_DOUBLE_EQ(found(request, "subfloor", "process.cpu").metric.sum().data_points(0).as_double(), 1.25);
  const auto gauge = found(request, "nginx", "tcp.connections.active").metric;
  ASSERT_TRUE(gauge.has_gauge());
  EXPECT_EQ(gauge.gauge().data_points(0).as_int(), 5);
  EXPECT_EQ(gauge.gauge().data_points(0).time_unix_nano(), to_unix(5 * second));
  EXPECT_EQ(gauge.gauge().data_points(0).start_time_unix_nano(), 0U);
}

TEST(OtlpMetrics, OfADeltaSayWhenItBegan) {
  MetricSnapshot snapshot{1 * second, 9 * second, {}, {}};
  snapshot.families.push_back({"c", "1", "", MetricType::counter, {}, true});
  snapshot.families.back().points.push_back({{}, std::uint64_t{3}, {}, 7 * second});
  const Decoded request = decoded(snapshot);
  const auto& sum = request.resource_metrics(0).scope_metrics(0).metrics(0).sum();
  EXPECT_EQ(sum.aggregation_temporality(), proto::metrics::v1::AGGREGATION_TEMPORALITY_DELTA);
  EXPECT_EQ(sum.data_points(0).start_time_unix_nano(), to_unix(7 * second));
}

TEST(OtlpMetrics, WithoutPointsAreNoRequest) { EXPECT_EQ(encode(MetricSnapshot{}, origin), ""); }

constexpr std::array<Family::Constant, 1> toy_constants{{{"db.system.name", "toy"}}};
constexpr Family toy_family{
    .name = "toy",
    .operation_key = "db.operation.name",
    .target_key = "db.collection.name",
    .status_key = "rpc.status_code",
    .error_key = "db.response.status_code",
    .status_text = [](int status) -> std::string_view { return status == 5 ? "NOT_FOUND" : "OK"; },
    .constants = toy_constants,
    .otel_duration_metric = {"", "db.client.operation.duration"}};
constexpr subfloor::Protocol toy_protocol{"toy", &toy_family};

SampleCall toy_call() {
  SampleCall call;
  call.call.protocol = &toy_protocol;
  call.call.kind = Kind::client;
  call.call.operation = "SELECT";
  call.call.target = "orders";
  call.call.path.clear();
  call.call.query.clear();
  call.call.version = "3.0";
  call.call.status = 5;
  call.call.error = "42P01";
  call.call.attributes.add("db.namespace", "shop", Use::metric);
  call.call.attributes.add("db.response.returned_rows", 7);
  return call;
}

TEST(OtlpSpans, OfOtherProtocolsHaveTheirAttributesKindAndStatus) {
  const auto request = decoded(spans_of({toy_call()}));
  const proto::trace::v1::Span& span = request.resource_spans(0).scope_spans(0).spans(0);
  EXPECT_EQ(span.name(), "SELECT orders");
  EXPECT_EQ(span.kind(), proto::trace::v1::Span::SPAN_KIND_CLIENT);
  EXPECT_EQ(span.status().code(), proto::trace::v1::Status::STATUS_CODE_ERROR);
  const auto found = attributes(span.attributes());
  for (const auto& [key, value] : std::map<std::string, std::string>{{"db.system.name", "'toy'"},
                                                                     {"db.operation.name", "'SELECT'"},
                                                                     {"db.collection.name", "'orders'"},
                                                                     {"db.response.status_code", "'42P01'"},
                                                                     {"rpc.status_code", "'NOT_FOUND'"},
                                                                     {"db.namespace", "'shop'"},
                                                                     {"db.response.returned_rows", "7"},
                                                                     {"error.type", "'42P01'"},
                                                                     {"network.protocol.name", "'toy'"},
                                                                     {"network.protocol.version", "'3.0'"},
                                                                     {"network.transport", "'tcp'"},
                                                                     {"server.address", "'127.0.0.2'"},
                                                                     {"server.port", "45678"}}) {
    const auto one = found.find(key);
    EXPECT_EQ(one == found.end() ? "(none)" : one->second, value) << key;
  }
  for (const char* never : {"http.request.method", "url.path", "url.scheme", "http.route"})
    EXPECT_FALSE(found.contains(never)) << never;
}

TEST(OtlpSpans, CarryTheRouteUnderAnInferredName) {
  SampleCall call = sample();
  Observation observation = call.observation();
  observation.route = "/orders/{id}";
  CollectedSpans sink;
  Windows windows({}, 1 * second, sink);
  windows.add(observation);
  windows.close(6 * second, 1);
  const auto request = decoded(sink.spans);
  const auto found = attributes(request.resource_spans(0).scope_spans(0).spans(0).attributes());
  EXPECT_EQ(found.at("subfloor.route"), "'/orders/{id}'");
  EXPECT_FALSE(found.contains("http.route"));
}

TEST(OtlpMetrics, OfOtherProtocolsShareAMetricAndHaveTypedAttributes) {
  Metrics metrics({.convention = MetricConvention::otel});
  metrics.add(toy_call().observation());
  proto::collector::metrics::v1::ExportMetricsServiceRequest request;
  ASSERT_TRUE(request.ParseFromString(encode(metrics.snapshot({}, {}), origin)));
  int points = 0;
  for (const auto& resource : request.resource_metrics()) {
    for (const auto& metric : resource.scope_metrics(0).metrics()) {
      if (metric.name() != "db.client.operation.duration") continue;
      EXPECT_EQ(metric.unit(), "s");
      ASSERT_EQ(metric.histogram().data_points_size(), 1);
      ++points;
      EXPECT_THAT(attributes(metric.histogram().data_points(0).attributes()),
                  UnorderedElementsAre(Pair("db.system.name", "'toy'"), Pair("db.operation.name", "'SELECT'"),
                                       Pair("db.collection.name", "'orders'"), Pair("rpc.status_code", "'NOT_FOUND'"),
                                       Pair("db.response.status_code", "'42P01'"), Pair("db.namespace", "'shop'"),
                                       Pair("error.type", "'42P01'"), Pair("server.address", "'127.0.0.2'"),
                                       Pair("server.port", "45678")));
    }
  }
  EXPECT_EQ(points, 1);
}

}  // namespace
}  // namespace subfloor::otlp
