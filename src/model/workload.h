// SPDX-License-Identifier: Apache-2.0
// What a container's runtime tells of it, and of the pod it is in.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace subfloor {

// Fields that could not be learned are empty.
struct Workload {
  using Ip = std::array<std::uint8_t, 16>;  // as in Address
  struct Owner {
    std::string_view kind;  // static: "deployment", "statefulset", "daemonset", "job", or "" where none is known
    std::string name;
    bool operator==(const Owner&) const = default;
  };

  std::string container_id, container_name, image;  // the first two: empty of a pod's sandbox itself
  std::string sandbox_id;
  std::string pod_name, pod_namespace, pod_uid;
  std::vector<std::pair<std::string, std::string>> labels;  // of the pod, by key
  Owner owner;
  std::vector<Ip> addresses;  // the pod's own; none where it shares its node's network

  bool operator==(const Workload&) const = default;

  [[nodiscard]] std::string_view label(std::string_view key) const;  // empty where there is none
};

using WorkloadRef = std::shared_ptr<const Workload>;

// What made the pod, as far as its name and labels say for certain: controllers of Kubernetes write both by rules.
// labels are sorted by key.
[[nodiscard]] Workload::Owner owner_of(std::string_view pod_name,
                                       const std::vector<std::pair<std::string, std::string>>& labels);

}  // namespace subfloor
