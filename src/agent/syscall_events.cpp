// SPDX-License-Identifier: Apache-2.0
#include "agent/syscall_events.h"

#include <array>

#include "sensors/syscalls/table.h"

namespace subfloor::agent {
namespace {

constexpr std::size_t numbers = 512;

// For each native number, what rules call it.
const std::array<std::optional<rules::EventType>, numbers>& types() {
  static const auto table = [] {
    std::array<std::optional<rules::EventType>, numbers> by_number{};
    for (const sensors::SyscallEntry& entry : sensors::syscall_table())
      if (entry.native < numbers) by_number[entry.native] = rules::find_event_type(entry.name);
    return by_number;
  }();
  return table;
}

}  // namespace

std::optional<rules::EventType> event_type_of(const Syscall& call) {
  return call.number < numbers ? types()[call.number] : std::nullopt;
}

std::vector<sensors::WantedSyscall> wanted_syscalls(const std::vector<detection::WantedCall>& calls) {
  std::vector<sensors::WantedSyscall> wanted;
  for (const detection::WantedCall& call : calls) {
    const sensors::SyscallEntry* const entry = sensors::syscall_entry(rules::to_string(call.type));
    if (entry == nullptr) continue;
    sensors::WantedSyscall one(entry->native);
    one.failures = call.failures;
    one.addressed_only = call.addressed_only;
    wanted.push_back(std::move(one));
  }
  return wanted;
}

}  // namespace subfloor::agent
