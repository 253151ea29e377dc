// SPDX-License-Identifier: Apache-2.0
// Records of the syscalls sensor as what they tell. Nothing in them is trusted: programs choose names and arguments.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "model/syscall.h"
#include "sensors/syscalls/syscalls_abi.h"

namespace subfloor::sensors {

// Reads one record after another into the same memory.
class SyscallReader {
 public:
  // Empty where the record is shorter than its fixed part, or names bytes beyond its end. What it gives refers to the
  // record and to this reader, until the next.
  [[nodiscard]] std::optional<Syscall> read(std::span<const std::byte> record);

 private:
  std::string paths_;
};

// What the kernel is told of the name, with the accesses; and in which epoch it was read.
[[nodiscard]] syscalls_name name_of(const FileName& name);
[[nodiscard]] __u32 epoch_of(const FileName& name);

}  // namespace subfloor::sensors
