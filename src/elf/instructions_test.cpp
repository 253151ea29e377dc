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

// sub rsp, 24; test edx, edx; js +7; mov rcx, rsp; movsxd rdx, edx; call +16
const std::string calls_with_stack = "\x48\x83\xec\x18\x85\xd2\x78\x07\x48\x89\xe1\x48\x63\xd2\xe8\x10\x00\x00\x00"s;

TEST(Forwarding, IsOfAFunctionThatHandsOnWhatItGot) {
  if (!can_read_instructions(EM_X86_64)) GTEST_SKIP() << "built without libzydis";
  const auto with_stack = forwarding(EM_X86_64, calls_with_stack);
  ASSERT_TRUE(with_stack);
  EXPECT_EQ(with_stack->target, 19 + 16);
  EXPECT_TRUE(with_stack->fourth_on_stack);
  // lea rcx, [rsp+8]; jmp -32
  const auto by_jump = forwarding(EM_X86_64, "\x48\x8d\x4c\x24\x08\xe9\xe0\xff\xff\xff"s);
  ASSERT_TRUE(by_jump);
  EXPECT_EQ(by_jump->target, 10 - 32);
  EXPECT_TRUE(by_jump->fourth_on_stack);
  // endbr64; sub rsp, 8; call +0
  const auto own = forwarding(EM_X86_64, "\xf3\x0f\x1e\xfa\x48\x83\xec\x08\xe8\x00\x00\x00\x00"s);
  ASSERT_TRUE(own);
  EXPECT_EQ(own->target, 13);
  EXPECT_FALSE(own->fourth_on_stack);
}

TEST(Forwarding, IsNotOfOneThatDoesAnythingElse) {
  const std::string call = "\xe8\x10\x00\x00\x00"s;
  EXPECT_FALSE(forwarding(EM_X86_64, "\x48\x89\xf7"s + call)) << "mov rdi, rsi";
  EXPECT_FALSE(forwarding(EM_X86_64, "\x31\xf6"s + call)) << "xor esi, esi";
  EXPECT_FALSE(forwarding(EM_X86_64, "\x40\xb6\x01"s + call)) << "mov sil, 1";
  EXPECT_FALSE(forwarding(EM_X86_64, "\x31\xc9"s + call)) << "xor ecx, ecx: another number of arguments";
  EXPECT_FALSE(forwarding(EM_X86_64, "\x48\x8d\x0c\xfc"s + call)) << "lea rcx, [rsp+rdi*8]";
  EXPECT_FALSE(forwarding(EM_X86_64, "\xf3\xa4"s + call)) << "rep movsb";
  EXPECT_FALSE(forwarding(EM_X86_64, "\xff\xd0"s)) << "call rax";
  EXPECT_FALSE(forwarding(EM_X86_64, "\xff\x25\x00\x00\x00\x00"s)) << "jmp [rip]";
  EXPECT_FALSE(forwarding(EM_X86_64, "\xc3"s + call)) << "ret";
  EXPECT_FALSE(forwarding(EM_X86_64, std::string(64, '\x90') + call)) << "too far";
  for (std::size_t n = 0; n < calls_with_stack.size(); ++n)
    EXPECT_FALSE(forwarding(EM_X86_64, calls_with_stack.substr(0, n))) << n;
  EXPECT_FALSE(forwarding(EM_AARCH64, calls_with_stack));
}

TEST(CheapEntry, IsAPushThatTheKernelKnows) {
  EXPECT_EQ(cheap_entry(EM_X86_64, "\x55"s), 0U) << "push rbp";
  EXPECT_EQ(cheap_entry(EM_X86_64, "\x41\x57"s), 0U) << "push r15";
  EXPECT_EQ(cheap_entry(EM_X86_64, "\xf3\x0f\x1e\xfa\x41\x57"s), 4U) << "endbr64; push r15";
  for (const std::string& code :
       {""s, "\x41"s, "\x41\x5f"s, "\x58"s, "\x48\x83\xec\x18"s, "\xf3\x0f\x1e\xfa"s, "\x40\x55"s})
    EXPECT_FALSE(cheap_entry(EM_X86_64, code));
  EXPECT_FALSE(cheap_entry(EM_AARCH64, "\x55"s));
}

}  // namespace
}  // namespace subfloor::elf
