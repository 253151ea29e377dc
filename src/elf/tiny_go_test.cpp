// SPDX-License-Identifier: Apache-2.0
// Programs as older releases, other machines and liars write them.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>

#include "base/fd.h"
#include "elf/go_program.h"
#include "elf/instructions.h"
#include "elf/testing.h"
#include "support/memory_file.h"

namespace subfloor::elf {
namespace {

using namespace std::string_literals;
using testing::TinyGo;

Result<std::optional<GoProbePoints>> points_in(const std::string& content, std::string_view name) {
  const subfloor::testing::MemoryFile memory(content);
  const Fd fd(::open(memory.path().c_str(), O_RDONLY | O_CLOEXEC));
  const auto file = ElfFile::read(fd.get());
  if (!file) return fail("no ELF file");
  const auto program = GoProgram::read(*file);
  if (!program) return fail("no Go program");
  return program->probe_points(name);
}

class TinyGoProgram : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!can_read_instructions(EM_X86_64)) GTEST_SKIP() << "built without libzydis";
  }

  static void expect_both(const TinyGo& program) {
    for (const auto& [name, at] : {std::pair{"e", program.first()}, {"f", program.first() + program.code.size()}}) {
      const auto found = points_in(program.file(), name);
      ASSERT_TRUE(found && *found) << (found ? name : found.error().message);
      EXPECT_EQ((*found)->entry, at + 4);
      EXPECT_EQ((*found)->returns, (std::vector{at + 6, at + 7}));
    }
  }
};

TEST_F(TinyGoProgram, IsReadInEachFormOfTheTable) {
  expect_both({});
  expect_both({.magic = 0xfffffff0, .version = "go1.18"});
  expect_both({.magic = 0xfffffffa, .version = "go1.17.13"});
  expect_both({.nop = 100});
}

TEST_F(TinyGoProgram, IsReadWhereTheLoaderWritesTheBeginningOfTheText) { expect_both({.text_in_table = false}); }

TEST_F(TinyGoProgram, OfBeforeGo1_17IsRefused) {
  for (const std::string version : {"go1.16.15", "devel"}) {
    const auto found = points_in(TinyGo{.magic = 0xfffffffa, .version = version}.file(), "e");
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().message.find("arguments on the stack"), std::string::npos) << found.error().message;
  }
}

TEST_F(TinyGoProgram, WithATableOfAnUnknownFormIsRefused) {
  const auto found = points_in(TinyGo{.magic = 0xfffffff2}.file(), "e");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message, "its table of functions is of an unknown form");
}

TEST_F(TinyGoProgram, WhoseTextIsElsewhereThanItSaysIsRefused) {
  std::string content = TinyGo{.nop = 1}.file();
  content[TinyGo::text + 1] = '\x90';
  EXPECT_FALSE(points_in(content, "e"));
  EXPECT_TRUE(points_in(content, "f"));
}

TEST_F(TinyGoProgram, ThatReturnsNowhereIsRefused) {
  const auto found = points_in(TinyGo{.code = "\x49\x3b\x66\x10\x76\x01\x90\x90"s}.file(), "e");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message, "the function returns nowhere, or in too many places");
}

TEST(TinyGoOfArm64, IsReadOnAnyMachine) {
  const TinyGo program{.machine = EM_AARCH64, .code = testing::arm64_function};
  const auto found = points_in(program.file(), "f");
  ASSERT_TRUE(found && *found) << found.error().message;
  EXPECT_EQ((*found)->entry, program.first() + program.code.size() + 8);
  EXPECT_EQ((*found)->returns, (std::vector{program.first() + program.code.size() + 12}));
}

TEST_F(TinyGoProgram, MayBeCutAnywhere) {
  const std::string whole = TinyGo{}.file();
  for (std::size_t size = 0; size < whole.size(); ++size) (void)points_in(whole.substr(0, size), "f");
}

TEST_F(TinyGoProgram, MayHoldAnyBytes) {
  const std::string whole = TinyGo{.text_in_table = false}.file();
  std::mt19937 random(1);  // the same bytes each time
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = whole;
    for (int i = 0; i < 3; ++i)
      damaged[6 + random() % (damaged.size() - 6)] = static_cast<char>(random() % 2 ? 0xff : random());
    (void)points_in(damaged, "f");
  }
}

}  // namespace
}  // namespace subfloor::elf
