// SPDX-License-Identifier: Apache-2.0
#include "cli/map/view.h"

#include <fmt/format.h>

#include <vector>

#include "cli/map/graph.h"
#include "cli/text.h"

namespace subfloor::cli {
namespace {

class Tree {
 public:
  Tree(const MapGraph& graph, const Look& look) : graph_(graph), look_(look), told_(graph.nodes.size()) {}

  // Roots first are those nobody calls; of what is left, all is in circles, which begin anywhere.
  std::string draw() {
    for (const bool in_circles : {false, true}) {
      for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
        const MapGraph::Node& node = graph_.nodes[i];
        if (told_[i] || node.out.empty() || (!in_circles && node.callers > 0)) continue;
        text_ += title(node) + "\n";
        told_[i] = true;
        draw_below(i, "");
      }
    }
    return std::move(text_);
  }

 private:
  static constexpr std::size_t deepest = 64;

  void draw_below(std::size_t index, const std::string& indent) {
    const std::vector<std::size_t>& out = graph_.nodes[index].out;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const MapGraph::Edge& edge = graph_.edges[out[i]];
      const bool last = i + 1 == out.size();
      const MapGraph::Node& server = graph_.nodes[edge.server];
      const bool before = told_[edge.server] && !server.out.empty();
      text_ += indent + (last ? corner() : branch()) + figures(edge) + arrow() + title(server) +
               (before ? paint("2", edge.server == index ? "  (itself)" : "  (see above)") : "") + "\n";
      if (told_[edge.server]) continue;
      told_[edge.server] = true;
      if (indent.size() < deepest * 5) draw_below(edge.server, indent + (last ? "   " : bar()));
    }
  }

  [[nodiscard]] std::string title(const MapGraph::Node& node) const {
    const std::string detail = node.detail();
    return paint("1", printable(node.title(), look_.utf8)) +
           (detail.empty() ? "" : paint("2", "  [" + printable(detail, look_.utf8) + "]"));
  }

  [[nodiscard]] std::string figures(const MapGraph::Edge& edge) const {
    std::string text = fmt::format("{}  {:.1f}/s", printable(edge.protocol, look_.utf8), edge.rate);
    if (edge.calls > 0 && edge.errors > 0)
      text += "  " + paint("31", fmt::format("{:.1f}% failed", 100.0 * static_cast<double>(edge.errors) /
                                                                   static_cast<double>(edge.calls)));
    if (edge.p50) text += "  p50 " + human_duration(*edge.p50, look_.utf8);
    if (edge.p99) text += "  p99 " + human_duration(*edge.p99, look_.utf8);
    return text;
  }

  [[nodiscard]] std::string paint(std::string_view sgr, std::string text) const {
    return look_.colour && !text.empty() ? fmt::format("\x1b[{}m{}\x1b[0m", sgr, text) : text;
  }
  [[nodiscard]] const char* branch() const { return look_.utf8 ? "├─ " : "|- "; }
  [[nodiscard]] const char* corner() const { return look_.utf8 ? "└─ " : "`- "; }
  [[nodiscard]] const char* bar() const { return look_.utf8 ? "│  " : "|  "; }
  [[nodiscard]] const char* arrow() const { return look_.utf8 ? "  → " : "  -> "; }

  const MapGraph& graph_;
  const Look& look_;
  std::vector<bool> told_;
  std::string text_;
};

// As a quoted string of DOT; nothing in it can end it.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : printable(text, true)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string label_of(const MapGraph::Edge& edge) {
  std::string label = fmt::format("{} {:.1f}/s", edge.protocol, edge.rate);
  if (edge.calls > 0 && edge.errors > 0)
    label += fmt::format(" {:.1f}% failed", 100.0 * static_cast<double>(edge.errors) / static_cast<double>(edge.calls));
  if (edge.p99) label += " p99 " + human_duration(*edge.p99, true);
  return label;
}

}  // namespace

std::string map_tree(const nlohmann::json& map, const Look& look) {
  const MapGraph graph = MapGraph::read(map);
  std::string text = graph.edges.empty() ? "no calls" : Tree(graph, look).draw();
  if (graph.edges.empty()) text += fmt::format(" in the last {:.0f} s\n", graph.over);
  if (graph.other_calls > 0)
    text +=
        fmt::format("{} call{} of others are not in this map\n", graph.other_calls, graph.other_calls == 1 ? "" : "s");
  return text;
}

std::string map_dot(const nlohmann::json& map) {
  const MapGraph graph = MapGraph::read(map);
  std::string text =
      "digraph subfloor {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n"
      "  edge [fontname=\"sans-serif\", fontsize=10];\n";
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const MapGraph::Node& node = graph.nodes[i];
    const std::string detail = node.detail();
    std::string label = quoted(node.title());
    if (!detail.empty()) {
      label.pop_back();
      label += "\\n" + quoted(detail).substr(1);
    }
    text += fmt::format("  n{} [label={}];\n", i, label);
  }
  for (const MapGraph::Edge& edge : graph.edges)
    text += fmt::format("  n{} -> n{} [label={}{}];\n", edge.client, edge.server, quoted(label_of(edge)),
                        edge.errors > 0 ? ", color=red" : "");
  return text + "}\n";
}

}  // namespace subfloor::cli
