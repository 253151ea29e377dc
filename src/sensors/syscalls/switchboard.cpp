// SPDX-License-Identifier: Apache-2.0
#include "sensors/syscalls/switchboard.h"

#include <algorithm>

#include <fmt/format.h>

#include "sensors/syscalls/table.h"

namespace subfloor::sensors {
namespace {

constexpr std::uint8_t result_argument = 6;

Result<> check_one(const SyscallCheck& check, std::uint16_t number) {
  if (check.argument > result_argument)
    return fail(fmt::format("system call {} has no argument {}", number, check.argument));
  if (check.values.empty() || check.values.size() > SYSCALLS_CHECK_VALUES)
    return fail(fmt::format("a check of system call {} has {} values: 1 to {} can be held", number, check.values.size(),
                            SYSCALLS_CHECK_VALUES));
  return {};
}

}  // namespace

Result<> check_wanted(const std::vector<WantedSyscall>& wanted) {
  for (const WantedSyscall& one : wanted) {
    if (one.number >= SYSCALLS_NUMBERS) return fail(fmt::format("there is no system call {}", one.number));
    if (one.checks.size() > SYSCALLS_CHECKS)
      return fail(
          fmt::format("system call {} has {} checks: {} can be held", one.number, one.checks.size(), SYSCALLS_CHECKS));
    for (const SyscallCheck& check : one.checks) TRY(check_one(check, one.number));
  }
  return {};
}

syscalls_want want_of(const WantedSyscall& wanted) {
  syscalls_want want{};
  want.results =
      static_cast<__u8>((wanted.successes ? SYSCALLS_SUCCESS : 0) | (wanted.failures ? SYSCALLS_FAILURE : 0));
  want.sockets_only = wanted.sockets_only;
  want.addressed_only = wanted.addressed_only;
  want.file_types = wanted.file_types;
  for (std::size_t i = 0; i < wanted.checks.size(); ++i) {
    const SyscallCheck& from = wanted.checks[i];
    syscalls_check& to = want.checks[i];
    to.mask = from.mask;
    to.negated = from.negated;
    to.argument = from.argument;
    to.count = static_cast<__u8>(from.values.size());
    std::ranges::copy(from.values, to.values);
  }
  return want;
}

bool any_by_io_uring(const std::vector<WantedSyscall>& wanted) {
  return std::ranges::any_of(wanted, [](const WantedSyscall& one) {
    return std::ranges::find(uring_table(), one.number, &UringEntry::native) != uring_table().end();
  });
}

std::vector<std::uint8_t> entries_of(const std::vector<WantedSyscall>& wanted) {
  std::vector<std::uint8_t> entries(SYSCALLS_NUMBERS);
  for (const WantedSyscall& one : wanted) {
    entries[one.number] |= SYSCALLS_NATIVE_WANTED;
    if (std::ranges::find(socketcall_table(), one.number, &SocketcallEntry::native) != socketcall_table().end())
      entries[SYSCALLS_SOCKETCALL] |= SYSCALLS_IA32_WANTED;
    const SyscallEntry* entry = syscall_entry(one.number);
    if (entry == nullptr) continue;
    for (const std::uint16_t number : entry->ia32)
      if (number != 0) entries[number] |= SYSCALLS_IA32_WANTED;
  }
  return entries;
}

}  // namespace subfloor::sensors
