// SPDX-License-Identifier: Apache-2.0
// Records of the cgroup sensor as what they tell. Nothing in them is trusted: programs choose what they are named.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace subfloor::sensors {

// The cgroup's path below its hierarchy's mount, in the record's own bytes. Empty where the record is shorter than it
// says.
[[nodiscard]] std::optional<std::string_view> read_cgroup_path(std::span<const std::byte> record);

}  // namespace subfloor::sensors
