// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/map_view.h"

#include "base/clock.h"
#include "telemetry/utf8.h"

namespace subfloor {
namespace {

using Json = nlohmann::json;

Json node_json(const MapNode& node) {
  Json json = {{"kind", to_string(node.kind)}, {"name", utf8::printable(node.name)}};
  if (!node.name_space.empty()) json["namespace"] = utf8::printable(node.name_space);
  if (!node.pod.empty()) json["pod"] = utf8::printable(node.pod);
  if (node.pods > 1) json["pods"] = node.pods;
  return json;
}

Json edge_json(const MapEdge& edge, double seconds) {
  Json json = {{"client", node_json(edge.client)},
               {"server", node_json(edge.server)},
               {"protocol", edge.protocol},
               {"calls", edge.calls},
               {"errors", edge.errors},
               {"rate", seconds > 0 ? static_cast<double>(edge.calls) / seconds : 0.0},
               {"total_calls", edge.total_calls},
               {"total_errors", edge.total_errors},
               {"seen_by", Json::array()}};
  if (edge.calls > 0) json["error_ratio"] = static_cast<double>(edge.errors) / static_cast<double>(edge.calls);
  if (edge.seen_by_client) json["seen_by"].push_back("client");
  if (edge.seen_by_server) json["seen_by"].push_back("server");
  if (edge.durations) {
    json["p50_ns"] = edge.durations->p50;
    json["p95_ns"] = edge.durations->p95;
    json["p99_ns"] = edge.durations->p99;
  }
  return json;
}

}  // namespace

Json map_json(const MapSnapshot& snapshot, MapBy by) {
  const double seconds = static_cast<double>(snapshot.over) / 1e9;
  Json json = {{"time", rfc3339(to_unix(monotonic_now()))},
               {"by", by == MapBy::pod ? "pod" : "service"},
               {"over_s", seconds},
               {"edges", Json::array()},
               {"other", {{"edges", snapshot.other_edges}, {"calls", snapshot.other_calls}}}};
  for (const MapEdge& edge : snapshot.edges) json["edges"].push_back(edge_json(edge, seconds));
  return json;
}

}  // namespace subfloor
