// SPDX-License-Identifier: Apache-2.0
// What the programs are told to look at: memory shared with them, changed while they run.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "sensors/sensor.h"
#include "sensors/syscalls/syscalls_abi.h"

namespace subfloor::sensors {

// An error where a call cannot be asked for: its number or its checks are beyond what the programs can hold.
[[nodiscard]] Result<> check_wanted(const std::vector<WantedSyscall>& wanted);

[[nodiscard]] syscalls_want want_of(const WantedSyscall& wanted);

// Bits of `wanted`, by the number that comes: SYSCALLS_NATIVE_WANTED and SYSCALLS_IA32_WANTED.
[[nodiscard]] std::vector<std::uint8_t> entries_of(const std::vector<WantedSyscall>& wanted);

// Whether a request to io_uring does what one of these does.
[[nodiscard]] bool any_by_io_uring(const std::vector<WantedSyscall>& wanted);

// Writes what is wanted over what was, so that at no moment less comes than both have in common.
// Bss: that of the skeleton.
template <class Bss>
void tell_wanted(Bss& bss, const std::vector<WantedSyscall>& wanted) {
  for (const WantedSyscall& one : wanted) {
    syscalls_want& place = bss.wants[one.number];
    for (syscalls_check& check : place.checks) check.count = 0;
    place.results = SYSCALLS_SUCCESS | SYSCALLS_FAILURE;
    place.sockets_only = 0;
    place.addressed_only = 0;
    std::atomic_ref(place.file_types).exchange(0);  // what is above comes before what is below
    place = want_of(one);
  }
  const std::vector<std::uint8_t> entries = entries_of(wanted);
  for (std::size_t i = 0; i < entries.size(); ++i)
    std::atomic_ref(bss.wanted[i]).store(entries[i], std::memory_order_release);
}

}  // namespace subfloor::sensors
