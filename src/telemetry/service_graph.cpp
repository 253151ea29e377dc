// SPDX-License-Identifier: Apache-2.0
#include "telemetry/service_graph.h"

#include <algorithm>

#include "model/call.h"
#include "telemetry/utf8.h"

namespace subfloor {
namespace {

void add_points(HistogramPoint& sum, const HistogramPoint& more) {
  if (sum.counts.empty()) {
    sum = more;
    return;
  }
  for (std::size_t i = 0; i < std::min(sum.counts.size(), more.counts.size()); ++i) sum.counts[i] += more.counts[i];
  sum.count += more.count;
  sum.sum += more.sum;
}

Labels labels_of(const GraphKey& key) {
  return {{"client", utf8::printable(key.client)},
          {"client_service_namespace", utf8::printable(key.client_namespace)},
          {"connection_type", std::string(key.connection_type)},
          {"server", utf8::printable(key.server)},
          {"server_service_namespace", utf8::printable(key.server_namespace)}};
}

// Names that become the same text once made printable are one point.
ServiceGraph printable(const ServiceGraph& graph) {
  ServiceGraph result;
  for (const auto& [key, totals] : graph) {
    ServiceGraph one;
    one.emplace(GraphKey{utf8::printable(key.client), utf8::printable(key.client_namespace),
                         utf8::printable(key.server), utf8::printable(key.server_namespace), key.connection_type},
                totals);
    add_graph(result, one);
  }
  return result;
}

}  // namespace

std::string_view connection_type(const Family& family) {
  for (const Family::Constant& constant : family.constants) {
    if (constant.key == "db.system.name") return "database";
    if (constant.key == "messaging.system") return "messaging_system";
  }
  return {};
}

void add_durations(HistogramPoint& sum, const Histogram& durations) {
  constexpr double second = 1e9;
  HistogramPoint more;
  for (const std::uint64_t bound : bounds::duration_otel) more.bounds.push_back(static_cast<double>(bound) / second);
  more.counts = durations.counts_for(bounds::duration_otel);
  more.count = durations.count();
  more.sum = static_cast<double>(durations.sum()) / second;
  add_points(sum, more);
}

void add_graph(ServiceGraph& sum, const ServiceGraph& more) {
  for (const auto& [key, totals] : more) {
    GraphTotals& of = sum[key];
    of.calls += totals.calls;
    of.errors += totals.errors;
    for (std::size_t i = 0; i < of.durations.size(); ++i) {
      if (totals.durations[i].count > 0) add_points(of.durations[i], totals.durations[i]);
    }
  }
}

void append_graph(const ServiceGraph& graph, std::vector<MetricFamily>& families) {
  if (graph.empty()) return;
  MetricFamily calls{
      "traces_service_graph_request", "{request}", "Calls of one service by another.", MetricType::counter, {}};
  MetricFamily failed{"traces_service_graph_request_failed",
                      "{request}",
                      "Calls of one service by another that failed.",
                      MetricType::counter,
                      {}};
  MetricFamily client{"traces_service_graph_request_client",
                      "s",
                      "How long they took, as their client saw it.",
                      MetricType::histogram,
                      {}};
  MetricFamily server{"traces_service_graph_request_server",
                      "s",
                      "How long they took, as their server saw it.",
                      MetricType::histogram,
                      {}};
  for (const auto& [key, totals] : printable(graph)) {
    const Labels labels = labels_of(key);
    calls.points.push_back({labels, totals.calls, {}});
    failed.points.push_back({labels, totals.errors, {}});
    const auto add_if_any = [&](MetricFamily& family, const HistogramPoint& point) {
      if (point.count > 0) family.points.push_back({labels, std::uint64_t{0}, point});
    };
    add_if_any(client, totals.durations[static_cast<std::size_t>(Kind::client)]);
    add_if_any(server, totals.durations[static_cast<std::size_t>(Kind::server)]);
  }
  for (MetricFamily* family : {&calls, &failed, &client, &server}) {
    if (!family->points.empty()) families.push_back(std::move(*family));
  }
}

}  // namespace subfloor
