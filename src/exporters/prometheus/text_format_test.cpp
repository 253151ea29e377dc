// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/text_format.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "telemetry/metrics.h"
#include "telemetry/testing.h"

namespace subfloor::prometheus {
namespace {

using subfloor::testing::SampleCall;

struct Checked {
  std::string remarks;
  int exit_code = -1;
};

// What `promtool check metrics` says of text.
Checked promtool(const std::string& text) {
  std::string path = ::testing::TempDir() + "subfloor_metrics_XXXXXX";
  const int fd = mkstemp(path.data());
  EXPECT_GE(fd, 0);
  std::ofstream(path) << text;
  close(fd);
  Checked result;
  FILE* const pipe = popen(("promtool check metrics < " + path + " 2>&1").c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  char line[1024];
  while (pipe != nullptr && fgets(line, sizeof(line), pipe) != nullptr) result.remarks += line;
  const int status = pclose(pipe);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  std::remove(path.c_str());
  return result;
}

// Everything the registry can produce, with hostile names.
MetricSnapshot full_snapshot(MetricConvention convention) {
  Metrics metrics({convention, 100});
  std::vector<SampleCall> calls(7);
  calls[1].call.kind = Kind::client;
  calls[1].call.status = 404;
  calls[2].call.status.reset();
  calls[3].process.executable = "/bin/we\"ird\\na\nme\xff";
  calls[4].call.protocol = &testing::redis;
  calls[4].call.error = "ERR";
  calls[5].call.protocol = &testing::redis;
  calls[6].call.operation = "BREW";
  for (const auto& call : calls) metrics.add(call.observation());
  for (int i = 0; i < 200; ++i) {
    SampleCall call;
    call.process.executable = "/bin/s" + std::to_string(i);
    metrics.add(call.observation());
  }
  Gauges gauges;
  gauges.requests = {{"", &http_family, Kind::server, 2}, {"nginx", &http_family, Kind::client, 3}};
  gauges.connections = {{"", Kind::server, 4}, {"", Kind::client, 5}};
  SelfReport report;
  report.sensors = {{"tcp_send", 10, 8, 1, 4096}};
  report.losses = {{"tcp_send", "ring_full", 1}, {"tcp_send", "no_key", 0}};
  report.rings = {{"data", 0.25}, {"control", 0}};
  report.cpu_seconds = 1.25;
  report.resident_bytes = 20'000'000;
  report.start_time_unix = 1'790'000'000.5;
  report.version = "0.1.0";
  report.resource = {{"service.name", "subfloor"}, {"host.name", "node-1"}};
  return metrics.snapshot(gauges, report);
}

TEST(PrometheusText, OfTheOtelConventionLeavesPromtoolSilent) {
  const Checked checked = promtool(write_text(full_snapshot(MetricConvention::otel)));
  EXPECT_EQ(checked.remarks, "");
  EXPECT_EQ(checked.exit_code, 0);
}

TEST(PrometheusText, OfTheDefaultConventionIsRemarkedOnlyForItsMilliseconds) {
  const Checked checked = promtool(write_text(full_snapshot(MetricConvention::standard)));
  std::istringstream lines(checked.remarks);
  int remarks = 0;
  for (std::string line; std::getline(lines, line); ++remarks) {
    EXPECT_NE(line.find("use base unit \"seconds\" instead of \"milliseconds\""), std::string::npos) << line;
  }
  EXPECT_EQ(remarks, 3) << "http server and client, redis server: " << checked.remarks;
}

TEST(PrometheusText, PromtoolWouldFindABrokenText) { EXPECT_NE(promtool("a{b=\"c\" 1\n").exit_code, 0); }

TEST(PrometheusText, NamesCarryUnitsAndTotals) {
  const auto name = [](std::string dotted, std::string unit, MetricType type) {
    return metric_name({std::move(dotted), std::move(unit), "", type, {}});
  };
  EXPECT_EQ(name("http.server.request.duration", "ms", MetricType::histogram),
            "http_server_request_duration_milliseconds");
  EXPECT_EQ(name("http.server.request.duration", "s", MetricType::histogram), "http_server_request_duration_seconds");
  EXPECT_EQ(name("http.server.request.body_size", "By", MetricType::histogram), "http_server_request_body_size_bytes");
  EXPECT_EQ(name("http.server.active_requests", "{request}", MetricType::gauge), "http_server_active_requests");
  EXPECT_EQ(name("tcp.connections.active", "{connection}", MetricType::gauge), "tcp_connections_active");
  EXPECT_EQ(name("subfloor.sensor.lost", "{event}", MetricType::counter), "subfloor_sensor_lost_total");
  EXPECT_EQ(name("process.cpu", "s", MetricType::counter), "process_cpu_seconds_total");
  EXPECT_EQ(name("subfloor.completeness", "1", MetricType::gauge), "subfloor_completeness_ratio");
}

TEST(PrometheusText, HistogramsAccumulate) {
  MetricSnapshot snapshot;
  HistogramPoint point{{0.005, 1, 2.5}, {1, 0, 2, 4}, 7, 12.5};
  snapshot.families.push_back(
      {"a.b", "s", "Help \\ me\nnow", MetricType::histogram, {{{{"x.y", "q\"\\\nz"}}, 0.0, point}}});
  snapshot.families.push_back({"empty", "", "nothing", MetricType::gauge, {}});
  EXPECT_EQ(write_text(snapshot), R"(# HELP a_b_seconds Help \\ me\nnow
# TYPE a_b_seconds histogram
a_b_seconds_bucket{x_y="q\"\\)"
                                  "\xef\xbf\xbd"
                                  R"(z",le="0.005"} 1
a_b_seconds_bucket{x_y="q\"\\)"
                                  "\xef\xbf\xbd"
                                  R"(z",le="1"} 1
a_b_seconds_bucket{x_y="q\"\\)"
                                  "\xef\xbf\xbd"
                                  R"(z",le="2.5"} 3
a_b_seconds_bucket{x_y="q\"\\)"
                                  "\xef\xbf\xbd"
                                  R"(z",le="+Inf"} 7
a_b_seconds_sum{x_y="q\"\\)"
                                  "\xef\xbf\xbd"
                                  R"(z"} 12.5
a_b_seconds_count{x_y="q\"\\)"
                                  "\xef\xbf\xbd"
                                  R"(z"} 7
)");
}

TEST(PrometheusText, TheResourceIsTargetInfo) {
  MetricSnapshot snapshot;
  snapshot.resource = {{"service.name", "subfloor"}};
  EXPECT_NE(write_text(snapshot).find("\ntarget_info{service_name=\"subfloor\"} 1\n"), std::string::npos);
}

}  // namespace
}  // namespace subfloor::prometheus
