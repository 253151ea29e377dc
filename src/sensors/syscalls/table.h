// SPDX-License-Identifier: Apache-2.0
// The system calls that the sensor can tell of, and what their arguments are.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "sensors/syscalls/syscalls_abi.h"

namespace subfloor::sensors {

struct SyscallEntry {
  std::string_view name;
  std::uint16_t native;
  std::array<std::uint16_t, 2> ia32;  // 0: none (0 is restart_syscall, which nobody asks for)
  syscalls_shape shape;
};

[[nodiscard]] std::span<const SyscallEntry> syscall_table();

// What a request to io_uring does, as the system call that does the same.
struct UringEntry {
  std::uint8_t op;
  std::uint16_t native;
};
[[nodiscard]] std::span<const UringEntry> uring_table();

// What 32-bit programs may ask of socketcall, by the number that they give it.
struct SocketcallEntry {
  std::uint8_t call;
  std::uint8_t arguments;
  std::uint16_t native;
};
[[nodiscard]] std::span<const SocketcallEntry> socketcall_table();

// Null where it is not in the table: then only its raw arguments are told.
[[nodiscard]] const SyscallEntry* syscall_entry(std::uint16_t native);
[[nodiscard]] const SyscallEntry* syscall_entry(std::string_view name);

}  // namespace subfloor::sensors
