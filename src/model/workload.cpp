// SPDX-License-Identifier: Apache-2.0
#include "model/workload.h"

#include <algorithm>

namespace subfloor {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

std::string_view value_of(const Labels& labels, std::string_view key) {
  const auto found =
      std::lower_bound(labels.begin(), labels.end(), key, [](const auto& label, auto k) { return label.first < k; });
  return found != labels.end() && found->first == key ? std::string_view(found->second) : std::string_view{};
}

// "web-5f6d9" less "-5f6d9"; empty where it does not end so.
std::string_view without(std::string_view name, std::string_view last) {
  if (last.empty() || name.size() < last.size() + 2 || !name.ends_with(last)) return {};
  name.remove_suffix(last.size());
  if (name.back() != '-') return {};
  name.remove_suffix(1);
  return name;
}

std::string_view last_part(std::string_view name) {
  const std::size_t dash = name.rfind('-');
  return dash == std::string_view::npos ? std::string_view{} : name.substr(dash + 1);
}

}  // namespace

std::string_view Workload::label(std::string_view key) const { return value_of(labels, key); }

Workload::Owner owner_of(std::string_view pod_name, const Labels& labels) {
  constexpr std::size_t random_part = 5;  // of names that are generated
  if (!value_of(labels, "statefulset.kubernetes.io/pod-name").empty()) {
    if (const auto name = without(pod_name, last_part(pod_name)); !name.empty())
      return {"statefulset", std::string(name)};
  }
  for (const std::string_view key : {"batch.kubernetes.io/job-name", "job-name"}) {
    if (const auto name = value_of(labels, key); !name.empty()) return {"job", std::string(name)};
  }
  const std::string_view random = last_part(pod_name);
  if (random.size() != random_part) return {};
  const std::string_view generated = without(pod_name, random);
  if (const auto hash = value_of(labels, "pod-template-hash"); !hash.empty()) {
    if (const auto name = without(generated, hash); !name.empty()) return {"deployment", std::string(name)};
  } else if (!value_of(labels, "controller-revision-hash").empty() && !generated.empty()) {
    return {"daemonset", std::string(generated)};
  }
  return {};
}

}  // namespace subfloor
