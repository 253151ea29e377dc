// SPDX-License-Identifier: Apache-2.0
#include "elf/instructions.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <string>

namespace subfloor::elf {
namespace {

using namespace std::string_literals;
using Offsets = std::vector<std::uint32_t>;

TEST(Instructions, AByteThatIsPartOfAnotherInstructionIsNoReturn) {
  if (!can_read_instructions(EM_X86_64)) GTEST_SKIP() << "built without libzydis";
  // mov eax, 0xc3c3c3c3; ret; ret 8; int3
  const auto found = find_returns(EM_X86_64, "\xb8\xc3\xc3\xc3\xc3\xc3\xc2\x08\x00\xcc"s);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, (Offsets{5, 6}));
}

TEST(Instructions, CodeThatEndsWithinAnInstructionIsRefused) {
  if (!can_read_instructions(EM_X86_64)) GTEST_SKIP() << "built without libzydis";
  EXPECT_FALSE(find_returns(EM_X86_64, "\xc3\xb8\xc3"s));
}

TEST(Instructions, ReturnsOfArm64AreWords) {
  // nop; ret; the bytes of ret across two words
  const auto found = find_returns(EM_AARCH64, "\x1f\x20\x03\xd5\xc0\x03\x5f\xd6\x00\x00\xc0\x03\x5f\xd6\x00\x00"s);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, (Offsets{4}));
  EXPECT_FALSE(find_returns(EM_AARCH64, "\xc0\x03\x5f"s));
}

TEST(Instructions, OfOtherMachinesAreNotRead) { EXPECT_FALSE(find_returns(EM_RISCV, "\x82\x80"s)); }

TEST(StackCheck, IsKnownInEachFormThatTheCompilerWrites) {
  EXPECT_EQ(stack_check_branch(EM_X86_64, "\x49\x3b\x66\x10\x76\x20"s), 4U);
  EXPECT_EQ(stack_check_branch(EM_X86_64, "\x49\x3b\x66\x10\x0f\x86\x87\x03\x00\x00"s), 4U);
  EXPECT_EQ(stack_check_branch(EM_X86_64, "\x4c\x8d\x64\x24\xe8\x4d\x3b\x66\x10\x0f\x86\x87\x03\x00\x00"s), 9U);
  EXPECT_EQ(stack_check_branch(EM_X86_64, "\x4c\x8d\xa4\x24\xe8\xfe\xff\xff\x4d\x3b\x66\x10\x76\x20"s), 12U);
  // ldr x16, [x28, #16]; cmp sp, x16; b.ls
  const std::string arm = "\x90\x0b\x40\xf9\xff\x63\x30\xeb\x89\x12\x00\x54"s + std::string(12, '\0');
  EXPECT_EQ(stack_check_branch(EM_AARCH64, arm), 8U);
}

TEST(StackCheck, IsNotSeenInOtherCode) {
  for (const std::string& code :
       {""s, "\x49\x3b\x66"s, "\x49\x3b\x66\x10"s, "\x49\x3b\x66\x10\x90"s, "\x4c\x8d\x64\x24"s,
        "\x4c\x8d\x64\x24\xe8\x49\x3b\x66\x10\x76\x20"s, "\x55\x48\x89\xe5"s}) {
    EXPECT_FALSE(stack_check_branch(EM_X86_64, code));
  }
  EXPECT_FALSE(stack_check_branch(EM_AARCH64, std::string(24, '\0')));
  EXPECT_FALSE(stack_check_branch(EM_AARCH64, "\x90\x0b\x40\xf9"s));
}

}  // namespace
}  // namespace subfloor::elf
