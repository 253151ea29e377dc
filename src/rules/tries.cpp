// SPDX-License-Identifier: Apache-2.0
#include "rules/tries.h"

#include <fnmatch.h>

#include <algorithm>

namespace subfloor::rules {
namespace {

auto edge(auto& edges, char c) {
  return std::lower_bound(edges.begin(), edges.end(), c,
                          [](const auto& each, char wanted) { return each.first < wanted; });
}

// The first component of a path, which is taken from it; "" at its end.
std::string_view take_component(std::string_view& path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  const std::string_view component = path.substr(0, path.find('/'));
  path.remove_prefix(component.size());
  return component;
}

}  // namespace

void PrefixTrie::add(std::string_view prefix) {
  std::uint32_t at = 0;
  for (const char c : prefix) {
    auto found = edge(nodes_[at].next, c);
    if (found == nodes_[at].next.end() || found->first != c) {
      found = nodes_[at].next.emplace(found, c, static_cast<std::uint32_t>(nodes_.size()));
      at = found->second;
      nodes_.emplace_back();
    } else {
      at = found->second;
    }
  }
  nodes_[at].ends = true;
}

bool PrefixTrie::begins(std::string_view text) const {
  const Node* node = nodes_.data();
  for (const char c : text) {
    if (node->ends) return true;
    const auto found = edge(node->next, c);
    if (found == node->next.end() || found->first != c) return false;
    node = &nodes_[found->second];
  }
  return node->ends;
}

void PathTrie::add(std::string_view path) {
  Node* node = &root_;
  for (auto component = take_component(path); !component.empty(); component = take_component(path)) {
    const bool pattern = component.find_first_of("?*[") != std::string_view::npos;
    auto& next = pattern ? node->patterns[std::string(component)] : node->names[std::string(component)];
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  node->ends = true;
}

bool PathTrie::covers(const Node& node, std::string_view path) {
  if (node.ends) return true;
  const std::string_view component = take_component(path);
  if (component.empty()) return false;
  const auto found = node.names.find(component);
  if (found != node.names.end() && covers(*found->second, path)) return true;
  return std::any_of(node.patterns.begin(), node.patterns.end(), [&](const auto& each) {
    return glob_matches(each.first, component) && covers(*each.second, path);
  });
}

bool glob_matches(const std::string& pattern, std::string_view text, bool ignore_case) {
  return fnmatch(pattern.c_str(), std::string(text).c_str(), ignore_case ? FNM_CASEFOLD : 0) == 0;
}

}  // namespace subfloor::rules
