// SPDX-License-Identifier: Apache-2.0
#include "telemetry/self_metrics.h"

#include <utility>

namespace subfloor {
namespace {

using Value = std::variant<double, std::uint64_t>;

MetricFamily single(std::string name, std::string unit, std::string help, MetricType type, Value value,
                    Labels labels = {}) {
  MetricFamily family{std::move(name), std::move(unit), std::move(help), type, {}};
  family.points.push_back({std::move(labels), value, {}});
  return family;
}

MetricFamily per_sensor(const SelfReport& report, std::string name, std::string unit, std::string help,
                        std::uint64_t SelfReport::Sensor::* member) {
  MetricFamily family{std::move(name), std::move(unit), std::move(help), MetricType::counter, {}};
  for (const auto& sensor : report.sensors) family.points.push_back({{{"sensor", sensor.family}}, sensor.*member, {}});
  return family;
}

MetricFamily losses(const SelfReport& report) {
  MetricFamily family{
      "subfloor.sensor.lost", "{event}", "Events lost between kernel and agent, by cause.", MetricType::counter, {}};
  for (const auto& loss : report.losses) {
    family.points.push_back({{{"sensor", loss.family}, {"cause", loss.cause}}, loss.count, {}});
  }
  return family;
}

void append_exporters(const SelfReport& report, std::vector<MetricFamily>& families) {
  using Exporter = SelfReport::Exporter;
  const auto of_each = [&](std::string name, std::string unit, std::string help, MetricType type,
                           std::uint64_t Exporter::* member) {
    MetricFamily family{std::move(name), std::move(unit), std::move(help), type, {}};
    for (const auto& exporter : report.exporters)
      family.points.push_back({{{"exporter", exporter.name}}, exporter.*member, {}});
    families.push_back(std::move(family));
  };
  constexpr auto counter = MetricType::counter;
  constexpr auto gauge = MetricType::gauge;
  of_each("subfloor.exporter.queued", "{item}", "Spans, points or lines that wait or are being sent.", gauge,
          &Exporter::queued);
  of_each("subfloor.exporter.queue", "By", "Memory of those that wait.", gauge, &Exporter::queued_bytes);
  of_each("subfloor.exporter.sent", "{item}", "Spans, points or lines that were taken.", counter, &Exporter::sent);
  of_each("subfloor.exporter.requests", "{request}", "Attempts to send.", counter, &Exporter::requests);
  of_each("subfloor.exporter.failed", "{request}", "Attempts that failed.", counter, &Exporter::failures);
  MetricFamily dropped{
      "subfloor.exporter.dropped", "{item}", "Spans, points or lines that were not delivered, by cause.", counter, {}};
  for (const auto& exporter : report.exporters) {
    for (const auto& [cause, count] : exporter.dropped)
      dropped.points.push_back({{{"exporter", exporter.name}, {"cause", std::string(cause)}}, count, {}});
  }
  families.push_back(std::move(dropped));
}

MetricFamily rings(const SelfReport& report) {
  MetricFamily family{"subfloor.ring.fill", "1", "Part of the ring in use.", MetricType::gauge, {}};
  for (const auto& ring : report.rings) family.points.push_back({{{"ring", ring.name}}, ring.fill, {}});
  return family;
}

void append_routes(const Routes::Counters& routes, std::vector<MetricFamily>& families) {
  families.push_back(
      single("subfloor.routes", "{route}", "Templates of HTTP paths in use.", MetricType::gauge, routes.routes));
  families.push_back(single("subfloor.routes.merged", "{route}",
                            "Templates given up for one with {param}, a place of the path having too many words.",
                            MetricType::counter, routes.merged));
  families.push_back(single("subfloor.routes.refused", "{call}",
                            "HTTP calls without a template, their service having too many, or there being too many.",
                            MetricType::counter, routes.refused));
}

}  // namespace

void append_self_metrics(const SelfReport& report, std::vector<MetricFamily>& families) {
  constexpr auto counter = MetricType::counter;
  constexpr auto gauge = MetricType::gauge;
  using Sensor = SelfReport::Sensor;
  families.push_back(
      per_sensor(report, "subfloor.sensor.seen", "{event}", "Events seen in the kernel.", &Sensor::seen));
  families.push_back(
      per_sensor(report, "subfloor.sensor.submitted", "{event}", "Events that reached the ring.", &Sensor::submitted));
  families.push_back(
      per_sensor(report, "subfloor.sensor.filtered", "{event}", "Events left out on purpose.", &Sensor::filtered));
  families.push_back(per_sensor(report, "subfloor.sensor.content", "By", "Content submitted.", &Sensor::bytes));
  families.push_back(losses(report));
  families.push_back(rings(report));
  append_exporters(report, families);
  families.push_back(single("subfloor.completeness", "1",
                            "Part of the wanted events that reached the agent since it started.", gauge,
                            report.completeness_total));
  families.push_back(single("subfloor.window.completeness", "1", "The same of the last closed window.", gauge,
                            report.completeness_window));
  families.push_back(single("subfloor.records", "{record}", "Records read from the rings.", counter, report.records));
  families.push_back(single("subfloor.calls", "{call}", "Calls that protocols made of them.", counter, report.calls));
  families.push_back(single("subfloor.windows.merged_calls", "{call}",
                            "Calls counted in overflow groups, their window being full.", counter,
                            report.merged_calls));
  families.push_back(single("subfloor.windows.routed_calls", "{call}",
                            "Calls grouped by their route in place of path and peer, their window being nearly full.",
                            counter, report.routed_calls));
  append_routes(report.routes, families);
  families.push_back(
      single("process.cpu", "s", "CPU time of the agent, user and system.", counter, report.cpu_seconds));
  families.push_back(
      single("process.resident_memory", "By", "Memory of the agent that is resident.", gauge, report.resident_bytes));
  families.push_back(
      single("process.start_time", "s", "When the agent started, Unix time.", gauge, report.start_time_unix));
  Labels build{{"version", report.version}};
  build.insert(build.end(), report.build.begin(), report.build.end());
  families.push_back(
      single("subfloor.build_info", "", "What was built; always 1.", gauge, std::uint64_t{1}, std::move(build)));
}

}  // namespace subfloor
