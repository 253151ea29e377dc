// SPDX-License-Identifier: Apache-2.0
// Which container a cgroup belongs to, from its path alone: no runtime is asked.
#pragma once

#include <string>
#include <string_view>

namespace subfloor::identity {

// The container id in a cgroup path, empty where it names none. Knows Docker, containerd, CRI-O and Podman with both
// cgroup drivers, below kubepods or not, and Fargate. Of nested containers it is the innermost.
[[nodiscard]] std::string container_id(std::string_view cgroup_path);

}  // namespace subfloor::identity
