// SPDX-License-Identifier: Apache-2.0
#include "identity/process/container_id.h"

#include <algorithm>

namespace subfloor::identity {
namespace {

constexpr std::size_t id_digits = 64;
constexpr std::size_t fargate_digits = 32;  // followed by '-' and a decimal number

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_id(std::string_view text) { return text.size() == id_digits && std::ranges::all_of(text, is_hex); }

bool is_fargate_id(std::string_view text) {
  return text.size() > fargate_digits + 1 && text[fargate_digits] == '-' &&
         std::ranges::all_of(text.substr(0, fargate_digits), is_hex) &&
         std::ranges::all_of(text.substr(fargate_digits + 1), is_digit);
}

// The id that one component of the path names, or nothing: "docker-<id>.scope", "<id>", "…:cri-containerd:<id>".
std::string_view id_of_component(std::string_view name) {
  if (name.ends_with(".scope")) name.remove_suffix(6);
  if (is_fargate_id(name)) return name;
  const std::size_t separator = name.find_last_of("-:");
  if (separator == std::string_view::npos) return is_id(name) ? name : std::string_view{};
  // conmon watches a container from outside.
  if (name.substr(0, separator).ends_with("conmon")) return {};
  name.remove_prefix(separator + 1);
  return is_id(name) ? name : std::string_view{};
}

}  // namespace

std::string container_id(std::string_view cgroup_path) {
  while (!cgroup_path.empty()) {
    const std::size_t slash = cgroup_path.rfind('/');
    const std::string_view name = slash == std::string_view::npos ? cgroup_path : cgroup_path.substr(slash + 1);
    if (const std::string_view id = id_of_component(name); !id.empty()) return std::string(id);
    cgroup_path = slash == std::string_view::npos ? std::string_view{} : cgroup_path.substr(0, slash);
  }
  return {};
}

}  // namespace subfloor::identity
