// SPDX-License-Identifier: Apache-2.0
// Templates of HTTP paths, inferred per service: /users/123/orders/9f3c41d2 follows /users/{id}/orders/{id}.
//
// What looks like a value (route_segment.h) gives way to a placeholder at once and is not kept anywhere. Words are told
// apart as they come, until one place of a path has had too many of them: from then on it is {param}, but for those
// that much of the traffic there has. That is the only way a path's template changes. What was merged so is counted.
// A path that was answered as unknown (404 and its kin), or not at all, teaches nothing.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/call.h"

namespace subfloor {

struct RouteOptions {
  std::size_t max_routes = 100;  // templates of a service that ever are, those merged later included
  std::size_t max_services = 100;  // that have templates
};

class Routes {
 public:
  struct Counters {
    std::uint64_t services = 0;
    std::uint64_t routes = 0;  // in use
    std::uint64_t merged = 0;  // given up for one with {param}
    std::uint64_t refused = 0;  // calls without a template for want of room
  };

  explicit Routes(const RouteOptions& options = {});
  ~Routes();
  Routes(const Routes&) = delete;
  Routes& operator=(const Routes&) = delete;

  // Templates that are there stay.
  void set_options(const RouteOptions& options) { options_ = options; }

  // The template of an HTTP call's path; empty where there is none: no path ("*"), one that nobody knows yet and that
  // was answered as unknown, or no room. The text lives as long as this object, is printable ASCII and has at most
  // longest_route bytes.
  [[nodiscard]] std::string_view of(std::string_view service, const Call& call);

  [[nodiscard]] const Counters& counters() const { return counters_; }

  static constexpr std::size_t longest_route = 120;
  static constexpr std::size_t longest_path = 256;  // bytes that are looked at; what is behind is {rest}
  static constexpr std::size_t deepest = 10;  // segments; likewise

 private:
  struct Template;
  struct Node;
  struct Service;
  struct Pieces;
  struct Hash {
    using is_transparent = void;
    std::uint64_t seed;
    std::size_t operator()(std::string_view text) const noexcept;
  };
  // Which template a path has, by the path's hash: no path is kept.
  struct Known {
    std::uint64_t hash = 0;
    std::uint32_t generation = 0;
    Template* route = nullptr;
  };

  [[nodiscard]] Template* look_up(std::string_view service, std::string_view path, bool learns);
  [[nodiscard]] static Template* find(const Service& service, const Pieces& pieces);
  [[nodiscard]] Template* learn(Service& service, const Pieces& pieces);
  void collapse(Node& node);

  RouteOptions options_;
  std::uint64_t seed_;
  std::unordered_map<std::string, std::unique_ptr<Service>, Hash, std::equal_to<>> services_;
  std::uint32_t generation_ = 1;  // of everything in known_: what is of another is forgotten
  std::vector<Known> known_;
  Counters counters_;
};

}  // namespace subfloor
