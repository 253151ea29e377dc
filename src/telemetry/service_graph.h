// SPDX-License-Identifier: Apache-2.0
// Sums of a service map's edges by service, as metrics: the names are those of Tempo's and the collector's service
// graphs, so that dashboards made for them work.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/protocol.h"
#include "telemetry/histogram.h"
#include "telemetry/metric_snapshot.h"

namespace subfloor {

struct GraphKey {
  std::string client, client_namespace, server, server_namespace;
  std::string_view connection_type;  // static: "database", "messaging_system" or ""
  auto operator<=>(const GraphKey&) const = default;
};

struct GraphTotals {
  std::uint64_t calls = 0, errors = 0;
  std::array<HistogramPoint, 2> durations;  // in seconds, by Kind of who saw them; no bounds where nobody did
};
using ServiceGraph = std::map<GraphKey, GraphTotals>;

[[nodiscard]] std::string_view connection_type(const Family& family);
// In seconds, with OpenTelemetry's bounds.
void add_durations(HistogramPoint& sum, const Histogram& durations);
void add_graph(ServiceGraph& sum, const ServiceGraph& more);
void append_graph(const ServiceGraph& graph, std::vector<MetricFamily>& families);

}  // namespace subfloor
