// SPDX-License-Identifier: Apache-2.0
#include "cli/map/graph.h"

#include <map>
#include <tuple>

namespace subfloor::cli {
namespace {

using Json = nlohmann::json;

const Json& member(const Json& object, const char* key) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto found = object.find(key);
  return found == object.end() ? none : *found;
}

std::string text_of(const Json& object, const char* key) {
  const Json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::uint64_t count_of(const Json& object, const char* key) {
  const Json& value = member(object, key);
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

std::optional<std::uint64_t> count_if_any(const Json& object, const char* key) {
  const Json& value = member(object, key);
  return value.is_number_unsigned() ? std::optional(value.get<std::uint64_t>()) : std::nullopt;
}

double number_of(const Json& object, const char* key) {
  const Json& value = member(object, key);
  return value.is_number() ? value.get<double>() : 0;
}

// A service is one node whichever of its pods took part in an edge.
class Builder {
 public:
  explicit Builder(MapGraph& graph) : graph_(graph) {}

  std::size_t node(const Json& json) {
    MapGraph::Node node{.kind = text_of(json, "kind"),
                        .name = text_of(json, "name"),
                        .name_space = text_of(json, "namespace"),
                        .pod = text_of(json, "pod"),
                        .pods = count_of(json, "pods"),
                        .out = {}};
    const auto [place, added] =
        indices_.try_emplace({node.kind, node.name, node.name_space, by_pod_ ? node.pod : ""}, graph_.nodes.size());
    if (added) {
      graph_.nodes.push_back(std::move(node));
    } else if (MapGraph::Node& known = graph_.nodes[place->second]; known.pod != node.pod || node.pods > known.pods) {
      known.pods = std::max<std::uint64_t>({known.pods, node.pods, known.pod != node.pod ? 2U : 0U});
      known.pod.clear();
    }
    return place->second;
  }
  void by_pod(bool wanted) { by_pod_ = wanted; }

 private:
  MapGraph& graph_;
  bool by_pod_ = false;
  std::map<std::tuple<std::string, std::string, std::string, std::string>, std::size_t> indices_;
};

}  // namespace

std::string MapGraph::Node::title() const { return name_space.empty() ? name : name_space + "/" + name; }

std::string MapGraph::Node::detail() const {
  if (pods > 1) return std::to_string(pods) + " pods or more";
  if (!pod.empty()) return pod;
  return kind == "pod" ? "" : kind;
}

MapGraph MapGraph::read(const Json& map) {
  MapGraph graph;
  Builder builder(graph);
  builder.by_pod(text_of(map, "by") == "pod");
  graph.over = number_of(map, "over_s");
  graph.other_edges = count_of(member(map, "other"), "edges");
  graph.other_calls = count_of(member(map, "other"), "calls");
  const Json& edges = member(map, "edges");
  for (const Json& json : edges.is_array() ? edges : Json::array()) {
    Edge edge{.client = builder.node(member(json, "client")),
              .server = builder.node(member(json, "server")),
              .protocol = text_of(json, "protocol"),
              .calls = count_of(json, "calls"),
              .errors = count_of(json, "errors"),
              .rate = number_of(json, "rate"),
              .p50 = count_if_any(json, "p50_ns"),
              .p99 = count_if_any(json, "p99_ns")};
    graph.nodes[edge.client].out.push_back(graph.edges.size());
    if (edge.client != edge.server) ++graph.nodes[edge.server].callers;
    graph.edges.push_back(std::move(edge));
  }
  return graph;
}

}  // namespace subfloor::cli
