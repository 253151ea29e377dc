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

Result<std::optional<std::vector<Placement>>> placements_in(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto file = elf::ElfFile::read(fd.get());
  if (!file) return fail("no ELF file: " + path);
  return go_placements(*file);
}

TEST(GoFunctions, OfEveryBuildOfAProgramAreFound) {
  int programs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GO_PROGRAMS)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("talk-")) continue;
    ++programs;
    const auto found = placements_in(entry.path());
    ASSERT_TRUE(found && *found) << name << (found ? "" : found.error().message);
    ASSERT_EQ((*found)->size(), 3U);
    // Never where the kernel would put its own address on the stack.
    for (const Placement& each : **found) EXPECT_FALSE(each.at_return);
    EXPECT_EQ((**found)[0].program, "go_read_returns") << "attached before what leaves a trace";
    EXPECT_GT((**found)[0].offsets.size(), 1U);
    EXPECT_EQ((**found)[1].program, "go_read_begins");
    EXPECT_EQ((**found)[2].program, "go_write_begins");
  }
  EXPECT_GT(programs, 0);
}

TEST(GoFunctions, AreNotSoughtInOtherPrograms) {
  const auto found = placements_in("/proc/self/exe");
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
}

}  // namespace
}  // namespace subfloor::sensors::tls
