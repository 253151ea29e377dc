// SPDX-License-Identifier: Apache-2.0
#include "sensors/process/process_records.h"

#include <gmock/gmock.h>

#include <cstring>
#include <string>
#include <string_view>

namespace subfloor::sensors {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using namespace std::string_view_literals;

// An exec record whose three slices follow each other.
struct Exec {
  process_exec_record fixed{};
  std::string tail;

  process_slice add(std::string_view text) {
    const process_slice slice{static_cast<__u16>(tail.size()), static_cast<__u16>(text.size())};
    tail += text;
    return slice;
  }
  [[nodiscard]] std::vector<std::byte> bytes() const {
    const auto head = std::as_bytes(std::span(&fixed, 1));
    const auto rest = std::as_bytes(std::span(tail));
    std::vector<std::byte> all(head.begin(), head.end());
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
  }
};

Exec curl() {
  Exec exec;
  exec.fixed.pid = 42;
  exec.fixed.parent_pid = 7;
  exec.fixed.uid = 1000;
  exec.fixed.start_time = 123456789;
  std::memcpy(exec.fixed.comm, "curl", 4);
  exec.fixed.executable = exec.add("curl\0bin\0usr\0"sv);
  exec.fixed.cgroup = exec.add("a.service\0system.slice\0"sv);
  exec.fixed.arguments = exec.add("curl\0\0http://x\0"sv);
  return exec;
}

TEST(ProcessRecords, TurnsNamesFromLeafToRootIntoPaths) {
  const auto process = read_exec(curl().bytes());
  ASSERT_TRUE(process);
  EXPECT_EQ(process->pid, 42U);
  EXPECT_EQ(process->parent_pid, 7U);
  EXPECT_EQ(process->uid, 1000U);
  EXPECT_TRUE(process->uid_known);
  EXPECT_EQ(process->start_time, 123456789U);
  EXPECT_EQ(process->comm, "curl");
  EXPECT_EQ(process->executable, "/usr/bin/curl");
  EXPECT_EQ(process->cgroup, "/system.slice/a.service");
}

TEST(ProcessRecords, KeepsEmptyArguments) {
  const auto process = read_exec(curl().bytes());
  ASSERT_TRUE(process);
  EXPECT_THAT(process->arguments, ElementsAre("curl", "", "http://x"));
  EXPECT_FALSE(process->arguments_truncated);
}

TEST(ProcessRecords, KeepsWhatIsThereOfACutArgument) {
  Exec exec = curl();
  exec.fixed.arguments = exec.add("a\0bcd"sv);
  exec.fixed.flags = process_arguments_truncated;
  const auto process = read_exec(exec.bytes());
  ASSERT_TRUE(process);
  EXPECT_THAT(process->arguments, ElementsAre("a", "bcd"));
  EXPECT_TRUE(process->arguments_truncated);
}

TEST(ProcessRecords, MarksArgumentsThatCouldNotBeRead) {
  Exec exec = curl();
  exec.fixed.arguments = {0, 0};
  exec.fixed.flags = process_arguments_unreadable;
  const auto process = read_exec(exec.bytes());
  ASSERT_TRUE(process);
  EXPECT_THAT(process->arguments, IsEmpty());
  EXPECT_TRUE(process->arguments_truncated);
}

TEST(ProcessRecords, TakesTheGivenNameWhereThePathCouldNotBeHad) {
  Exec exec = curl();
  exec.fixed.executable = exec.add("./deep/curl\0"sv);
  exec.fixed.flags = process_executable_as_given;
  const auto process = read_exec(exec.bytes());
  ASSERT_TRUE(process);
  EXPECT_EQ(process->executable, "./deep/curl");
}

TEST(ProcessRecords, ShowsACgroupWithoutItsBeginningAsRelative) {
  Exec exec = curl();
  exec.fixed.flags = process_cgroup_truncated;
  const auto process = read_exec(exec.bytes());
  ASSERT_TRUE(process);
  EXPECT_EQ(process->cgroup, "system.slice/a.service");
}

TEST(ProcessRecords, ShowsTheRootCgroupAsASlash) {
  Exec exec = curl();
  exec.fixed.cgroup = {0, 0};
  const auto process = read_exec(exec.bytes());
  ASSERT_TRUE(process);
  EXPECT_EQ(process->cgroup, "/");
}

TEST(ProcessRecords, AcceptsACommThatFillsItsField) {
  Exec exec = curl();
  std::memcpy(exec.fixed.comm, "0123456789abcdef", 16);
  const auto process = read_exec(exec.bytes());
  ASSERT_TRUE(process);
  EXPECT_EQ(process->comm, "0123456789abcdef");
}

TEST(ProcessRecords, RefusesEveryTruncationOfAnExecRecord) {
  const std::vector<std::byte> whole = curl().bytes();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(read_exec(std::span(whole).first(size))) << size << " of " << whole.size();
}

TEST(ProcessRecords, RefusesSlicesThatReachBeyondTheTail) {
  for (process_slice process_exec_record::* slice :
       {&process_exec_record::executable, &process_exec_record::cgroup, &process_exec_record::arguments}) {
    Exec exec = curl();
    const auto size = static_cast<__u16>(exec.tail.size());
    exec.fixed.*slice = {size, 0};
    EXPECT_TRUE(read_exec(exec.bytes()));
    exec.fixed.*slice = {size, 1};
    EXPECT_FALSE(read_exec(exec.bytes()));
    exec.fixed.*slice = {0xffff, 0xffff};
    EXPECT_FALSE(read_exec(exec.bytes()));
  }
}

TEST(ProcessRecords, RefusesShortForksAndExits) {
  const std::vector<std::byte> bytes(sizeof(process_fork_record));
  EXPECT_TRUE(read_fork(bytes));
  EXPECT_FALSE(read_fork(std::span(bytes).first(sizeof(process_fork_record) - 1)));
  EXPECT_TRUE(read_exit(bytes));
  EXPECT_FALSE(read_exit(std::span(bytes).first(sizeof(process_exit_record) - 1)));
}

}  // namespace
}  // namespace subfloor::sensors
