// SPDX-License-Identifier: Apache-2.0
#include "sensors/tls/go_functions.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/fd.h"

namespace subfloor::sensors::tls {
namespace {

Result<std::optional<Functions>> functions_in(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto file = elf::ElfFile::read(fd.get());
  if (!file) return fail("no ELF file: " + path);
  return find_go_functions(*file);
}

TEST(GoFunctions, OfEveryBuildOfAProgramAreFound) {
  int programs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GO_PROGRAMS)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("talk-")) continue;
    ++programs;
    const auto found = functions_in(entry.path());
    ASSERT_TRUE(found && *found) << name << (found ? "" : found.error().message);
    const std::vector<Placement>& always = (*found)->placements;
    ASSERT_EQ(always.size(), 3U);
    // Never where the kernel would put its own address on the stack.
    for (const Placement& each : always) EXPECT_FALSE(each.at_return);
    EXPECT_EQ(always[0].program, "go_read_returns") << "attached before what leaves a trace";
    EXPECT_GT(always[0].offsets.size(), 1U);
    EXPECT_EQ(always[1].program, "go_read_begins");
    EXPECT_EQ(always[2].program, "go_write_begins");

    std::vector<std::string_view> following;
    for (const Placement& each : (*found)->following) {
      EXPECT_FALSE(each.at_return);
      EXPECT_FALSE(each.offsets.empty());
      following.push_back(each.program);
    }
    EXPECT_THAT(following, testing::ElementsAre("go_http1_asks", "go_http1_writes", "go_http2_asks", "go_http2_begins",
                                                "go_http2_writes", "go_http2_handled", "go_http2_handles"))
        << name;
  }
  EXPECT_GT(programs, 0);
}

TEST(GoFunctions, AreNotSoughtInOtherPrograms) {
  const auto found = functions_in("/proc/self/exe");
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
}

}  // namespace
}  // namespace subfloor::sensors::tls
