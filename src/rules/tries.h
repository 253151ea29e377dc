// SPDX-License-Identifier: Apache-2.0
// Many prefixes asked at once.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace subfloor::rules {

// Whether any of the prefixes begins a text: time by the text's length, not by how many there are.
class PrefixTrie {
 public:
  void add(std::string_view prefix);
  [[nodiscard]] bool begins(std::string_view text) const;

 private:
  struct Node {
    std::vector<std::pair<char, std::uint32_t>> next;  // sorted
    bool ends = false;
  };
  std::vector<Node> nodes_{1};
};

// Whether any of the paths is the text or a directory above it. A component may be a pattern (* ? [).
class PathTrie {
 public:
  void add(std::string_view path);
  [[nodiscard]] bool covers(std::string_view path) const { return covers(root_, path); }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct Node {
    bool ends = false;
    std::unordered_map<std::string, std::unique_ptr<Node>, TextHash, std::equal_to<>> names;
    std::map<std::string, std::unique_ptr<Node>> patterns;
  };
  [[nodiscard]] static bool covers(const Node& node, std::string_view path);

  Node root_;
};

// As fnmatch(3) with no flags: * matches / too.
[[nodiscard]] bool glob_matches(const std::string& pattern, std::string_view text, bool ignore_case = false);

}  // namespace subfloor::rules
