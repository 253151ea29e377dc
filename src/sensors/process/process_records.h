// SPDX-License-Identifier: Apache-2.0
// Records of the process sensor as what they tell. Nothing in them is trusted: programs choose what they are named.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/process.h"
#include "sensors/process/process_abi.h"

namespace subfloor::sensors {

struct Fork {
  std::uint32_t forked_by = 0;
  Process child;  // only what the record has: pid, parent_pid, uid, start_time, comm
};

// Each is empty where the record is shorter than its fixed part, or names bytes beyond its end.
// A path that could not be had whole lacks its leading '/': its last components are all there.
[[nodiscard]] std::optional<Process> read_exec(std::span<const std::byte> record);
[[nodiscard]] std::optional<Fork> read_fork(std::span<const std::byte> record);
[[nodiscard]] std::optional<process_exit_record> read_exit(std::span<const std::byte> record);

}  // namespace subfloor::sensors
