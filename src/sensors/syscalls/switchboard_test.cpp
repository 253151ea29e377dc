// SPDX-License-Identifier: Apache-2.0
#include "sensors/syscalls/switchboard.h"

#include <gmock/gmock.h>
#include <sys/syscall.h>

#include <set>

#include "sensors/syscalls/table.h"

namespace subfloor::sensors {
namespace {

TEST(SyscallTable, HasEachNumberAndNameOnce) {
  std::set<std::uint16_t> native, ia32;
  std::set<std::string_view> names;
  for (const SyscallEntry& entry : syscall_table()) {
    EXPECT_TRUE(native.insert(entry.native).second) << entry.name;
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_LT(entry.native, SYSCALLS_NUMBERS);
    for (const std::uint16_t number : entry.ia32) {
      EXPECT_LT(number, SYSCALLS_NUMBERS);
      EXPECT_TRUE(number == 0 || ia32.insert(number).second) << entry.name;
    }
  }
}

TEST(SyscallTable, NamesArgumentsThatThereAre) {
  for (const SyscallEntry& entry : syscall_table()) {
    const syscalls_shape& shape = entry.shape;
    for (const int argument : {shape.fd, shape.open_flags, shape.text[0], shape.text[1], shape.text[2], shape.address,
                               shape.address_length, shape.content})
      EXPECT_LE(argument, 6) << entry.name;
    for (const int argument : shape.directory) EXPECT_LE(argument, SYSCALLS_CWD) << entry.name;
    EXPECT_LT(shape.family, SYSCALLS_FAMILIES) << entry.name;
  }
}

TEST(SyscallTable, IsFoundByNumberAndName) {
  ASSERT_NE(syscall_entry("connect"), nullptr);
  EXPECT_EQ(syscall_entry("connect")->native, SYS_connect);
  ASSERT_NE(syscall_entry(SYS_openat), nullptr);
  EXPECT_EQ(syscall_entry(SYS_openat)->name, "openat");
  EXPECT_EQ(syscall_entry("no such call"), nullptr);
  for (const UringEntry& entry : uring_table()) EXPECT_NE(syscall_entry(entry.native), nullptr) << int{entry.op};
}

TEST(Switchboard, WantsThe32BitNumbersToo) {
  const auto entries = entries_of({SYS_openat, SYS_setuid});
  EXPECT_EQ(entries[SYS_openat], SYSCALLS_NATIVE_WANTED);
  EXPECT_EQ(entries[295], SYSCALLS_IA32_WANTED);  // openat there
  EXPECT_EQ(entries[23], SYSCALLS_IA32_WANTED);   // setuid of 16 bits
  EXPECT_EQ(entries[213], SYSCALLS_IA32_WANTED);
  EXPECT_EQ(std::ranges::count(entries, 0), SYSCALLS_NUMBERS - 5);
}

TEST(Switchboard, WantsTheCallThatHoldsAllOfSockets) {
  EXPECT_EQ(entries_of({SYS_connect})[SYSCALLS_SOCKETCALL], SYSCALLS_IA32_WANTED);
  EXPECT_EQ(entries_of({SYS_openat})[SYSCALLS_SOCKETCALL], 0);
}

TEST(Switchboard, WritesWhatIsWanted) {
  struct {
    __u8 wanted[SYSCALLS_NUMBERS];
    syscalls_want wants[SYSCALLS_NUMBERS];
  } memory{};
  WantedSyscall dup(SYS_dup);
  dup.failures = false;
  dup.sockets_only = true;
  dup.checks = {{.argument = 1, .values = {0, 1, 2}}};
  tell_wanted(memory, {dup, SYS_connect});
  EXPECT_EQ(memory.wanted[SYS_dup], SYSCALLS_NATIVE_WANTED);
  const syscalls_want& want = memory.wants[SYS_dup];
  EXPECT_EQ(want.results, SYSCALLS_SUCCESS);
  EXPECT_EQ(want.sockets_only, 1);
  EXPECT_EQ(want.checks[0].count, 3);
  EXPECT_EQ(want.checks[0].argument, 1);
  EXPECT_EQ(want.checks[0].mask, 0xffffffffU);
  EXPECT_EQ(want.checks[0].values[2], 2U);
  EXPECT_EQ(want.checks[1].count, 0);
  EXPECT_EQ(memory.wants[SYS_connect].results, SYSCALLS_SUCCESS | SYSCALLS_FAILURE);

  tell_wanted(memory, {SYS_dup});
  EXPECT_EQ(memory.wanted[SYS_connect], 0);
  EXPECT_EQ(memory.wants[SYS_dup].checks[0].count, 0);
}

TEST(Switchboard, RefusesWhatTheProgramsCannotHold) {
  const auto with = [](std::vector<SyscallCheck> checks) {
    WantedSyscall wanted(SYS_prctl);
    wanted.checks = std::move(checks);
    return std::vector{wanted};
  };
  const SyscallCheck fine{.argument = 6, .values = {0}};
  EXPECT_TRUE(check_wanted(with({fine, fine})));
  EXPECT_FALSE(check_wanted(with({fine, fine, fine})));
  EXPECT_FALSE(check_wanted(with({{.argument = 7, .values = {0}}})));
  EXPECT_FALSE(check_wanted(with({{.argument = 0, .values = {}}})));
  EXPECT_FALSE(check_wanted(with({{.argument = 0, .values = std::vector<std::uint64_t>(9)}})));
  EXPECT_FALSE(check_wanted({std::uint16_t{SYSCALLS_NUMBERS}}));
}

}  // namespace
}  // namespace subfloor::sensors
