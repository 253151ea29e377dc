// SPDX-License-Identifier: Apache-2.0
#include "cli/trace_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "cli/text.h"

namespace subfloor::cli {
namespace {

constexpr std::size_t deepest = 64;
constexpr std::size_t narrowest_bar = 10, widest_bar = 40, narrowest_call = 30, usual_width = 120;
constexpr std::size_t duration_width = 8;

struct Node {
  std::string span, parent, text;
  Nanoseconds start = 0, duration = 0;
  bool failed = false;
  std::vector<std::size_t> children;
};

struct Line {
  std::string branch;
  const Node* node;
};

std::string text_at(const nlohmann::json& call, const char* key) {
  const auto found = call.find(key);
  return found != call.end() && found->is_string() ? found->get<std::string>() : "";
}

template <class Number>
Number number_at(const nlohmann::json& call, const char* key, Number otherwise) {
  const auto found = call.find(key);
  return found != call.end() && found->is_number_integer() ? found->get<Number>() : otherwise;
}

// "node 4711 server http GET /r/1 200 ~"
std::string describe(const nlohmann::json& call, bool utf8) {
  std::string text = fmt::format("{} {} {} {} {}", text_at(call, "service"), number_at(call, "process.pid", 0U),
                                 text_at(call, "kind"), text_at(call, "protocol"), text_at(call, "operation"));
  if (const std::string target = text_at(call, "target"); !target.empty()) text += " " + target;
  if (const int status = number_at(call, "status", -1); status >= 0) text += fmt::format(" {}", status);
  if (const std::string error = text_at(call, "error"); !error.empty()) text += " " + error;
  if (call.contains("partial")) text += " ~";
  return printable(text, utf8);
}

std::vector<Node> nodes_of(const nlohmann::json& trace, bool utf8) {
  std::vector<Node> nodes;
  const auto calls = trace.find("calls");
  if (calls == trace.end() || !calls->is_array()) return nodes;
  for (const nlohmann::json& call : *calls) {
    if (!call.is_object()) continue;
    Node& node = nodes.emplace_back();
    node.span = text_at(call, "span_id");
    node.parent = text_at(call, "parent_span_id");
    node.text = describe(call, utf8);
    node.start = number_at<Nanoseconds>(call, "time_unix_ns", 0);
    node.duration = number_at<Nanoseconds>(call, "duration_ns", 0);
    const int status = number_at(call, "status", -1);
    node.failed = !text_at(call, "error").empty() || (text_at(call, "protocol") == "http" && status >= 500);
  }
  return nodes;
}

// Those whose parent is not there are roots: it was on another host, or is not kept any more.
std::vector<std::size_t> link(std::vector<Node>& nodes) {
  std::map<std::string_view, std::size_t> by_span;
  for (std::size_t i = 0; i < nodes.size(); ++i) by_span.emplace(nodes[i].span, i);
  std::vector<std::size_t> roots;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto parent = by_span.find(nodes[i].parent);
    if (parent == by_span.end() || parent->second == i) {
      roots.push_back(i);
    } else {
      nodes[parent->second].children.push_back(i);
    }
  }
  return roots;
}

class Tree {
 public:
  Tree(const std::vector<Node>& nodes, bool utf8) : nodes_(nodes), utf8_(utf8) {}

  void add(std::size_t at, const std::string& indent, std::string_view branch, std::string_view below,
           std::size_t depth) {
    if (depth > deepest || !seen_.insert(at).second) return;  // an agent tells of no circles; whoever else answers may
    const Node& node = nodes_[at];
    lines.push_back({indent + std::string(branch), &node});
    const std::string inner = indent + std::string(below);
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const bool last = i + 1 == node.children.size();
      add(node.children[i], inner, last ? (utf8_ ? "└─ " : "`- ") : (utf8_ ? "├─ " : "|- "),
          last ? "   " : (utf8_ ? "│  " : "|  "), depth + 1);
    }
  }

  std::vector<Line> lines;

 private:
  const std::vector<Node>& nodes_;
  const bool utf8_;
  std::set<std::size_t> seen_;
};

std::string bar(const Node& node, Nanoseconds start, Nanoseconds whole, std::size_t width, bool utf8) {
  const auto place = [&](Nanoseconds when) {
    const double part = whole == 0 ? 0 : static_cast<double>(when - start) / static_cast<double>(whole);
    return std::min(width, static_cast<std::size_t>(part * static_cast<double>(width)));
  };
  const std::size_t from = std::min(place(node.start), width - 1);
  const std::size_t to = std::max(from + 1, place(node.start + node.duration));
  std::string text(from, ' ');
  for (std::size_t i = from; i < to; ++i) text += utf8 ? "█" : "#";
  return text;
}

}  // namespace

std::string trace_tree(const nlohmann::json& trace, const Look& look) {
  std::vector<Node> nodes = nodes_of(trace, look.utf8);
  if (nodes.empty()) return "";
  Tree tree(nodes, look.utf8);
  for (const std::size_t root : link(nodes)) tree.add(root, "", "", "", 0);
  Nanoseconds start = nodes.front().start, end = 0;
  for (const Node& node : nodes) {
    start = std::min(start, node.start);
    end = std::max(end, node.start + node.duration);
  }
  const std::size_t width = look.width == 0 ? usual_width : look.width;
  std::size_t longest = narrowest_call;
  for (const Line& line : tree.lines) longest = std::max(longest, columns(line.branch + line.node->text));
  const std::size_t beside = duration_width + 3;
  const std::size_t bars =
      std::clamp(width > longest + beside ? width - longest - beside : 0, narrowest_bar, widest_bar);
  const std::size_t room = std::max(narrowest_call, width > bars + beside ? width - bars - beside : 0);
  const std::size_t call_width = std::min(longest, room);

  std::string text = fmt::format("{} call{} in {}\n", nodes.size(), nodes.size() == 1 ? "" : "s",
                                 human_duration(end - start, look.utf8));
  for (const Line& line : tree.lines) {
    const std::string cell = fit(line.branch + line.node->text, call_width, look.utf8);
    const bool red = look.colour && line.node->failed;
    text += fmt::format("{}{}{} {} {}\n", red ? "\x1b[31m" : "", cell, red ? "\x1b[0m" : "",
                        fit(human_duration(line.node->duration, look.utf8), duration_width, look.utf8, Align::right),
                        bar(*line.node, start, end - start, bars, look.utf8));
  }
  return text;
}

}  // namespace subfloor::cli
