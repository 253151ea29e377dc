// SPDX-License-Identifier: Apache-2.0
// The agent's answer as nodes and edges. The agent may be of another version than this program, so nothing in its
// answer is taken for granted.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace subfloor::cli {

struct MapGraph {
  struct Node {
    std::string kind, name, name_space, pod;
    std::uint64_t pods = 0;
    std::vector<std::size_t> out;  // indices of edges, most calls first
    std::size_t callers = 0;       // other nodes' edges to it

    [[nodiscard]] std::string title() const;   // "shop/web"
    [[nodiscard]] std::string detail() const;  // "web-1", "3 pods", "" where there is nothing to add
  };
  struct Edge {
    std::size_t client = 0, server = 0;  // indices of nodes
    std::string protocol;
    std::uint64_t calls = 0, errors = 0;
    double rate = 0;
    std::optional<std::uint64_t> p50, p99;  // nanoseconds
  };
  std::vector<Node> nodes;
  std::vector<Edge> edges;
  std::uint64_t other_edges = 0, other_calls = 0;
  double over = 0;  // seconds

  [[nodiscard]] static MapGraph read(const nlohmann::json& map);
};

}  // namespace subfloor::cli
