// SPDX-License-Identifier: Apache-2.0
#include "elf/instructions.h"

#include <elf.h>

#include <algorithm>
#include <array>

#include "elf/elf_file.h"
#include "elf/x86.h"

namespace subfloor::elf {
namespace {

using namespace std::string_view_literals;

constexpr std::uint32_t arm64_return = 0xd65f03c0;  // ret x30
constexpr std::size_t arm64_check_words = 6;        // the check takes no more

std::vector<std::uint32_t> arm64_returns(std::string_view code) {
  std::vector<std::uint32_t> found;
  for (std::size_t i = 0; i < code.size() / 4; ++i) {
    if (item<std::uint32_t>(code, i) == arm64_return) found.push_back(static_cast<std::uint32_t>(i * 4));
  }
  return found;
}

std::optional<std::uint32_t> arm64_check(std::string_view code) {
  constexpr std::uint32_t load_limit = 0xf9400b90;  // ldr x16, [x28, #16]
  if (code.size() < 4 * arm64_check_words || item<std::uint32_t>(code, 0) != load_limit) return std::nullopt;
  for (std::uint32_t i = 1; i < arm64_check_words; ++i) {
    // b.ls
    if ((item<std::uint32_t>(code, i) & 0xff00001f) == 0x54000009) return i * 4;
  }
  return std::nullopt;
}

// cmp rsp, [r14+16]; or, of a larger frame, lea r12, [rsp-n]; cmp r12, [r14+16]
std::optional<std::uint32_t> x86_check(std::string_view code) {
  constexpr auto compare_stack = "\x49\x3b\x66\x10"sv, compare_frame = "\x4d\x3b\x66\x10"sv;
  constexpr auto near_frame = "\x4c\x8d\x64\x24"sv, far_frame = "\x4c\x8d\xa4\x24"sv;
  std::size_t at = 0;
  if (code.starts_with(near_frame)) at = near_frame.size() + 1;
  if (code.starts_with(far_frame)) at = far_frame.size() + 4;
  if (at > code.size() || !code.substr(at).starts_with(at == 0 ? compare_stack : compare_frame)) return std::nullopt;
  at += compare_stack.size();
  const std::string_view branch = code.substr(at);
  // jbe, with a near or a far target
  const bool is_branch =
      (branch.size() >= 2 && branch.starts_with("\x76"sv)) || (branch.size() >= 6 && branch.starts_with("\x0f\x86"sv));
  return is_branch ? std::optional(static_cast<std::uint32_t>(at)) : std::nullopt;
}

// push; behind endbr64 where the compiler wrote one
std::optional<std::uint32_t> x86_cheap_entry(std::string_view code) {
  constexpr auto branch_target = "\xf3\x0f\x1e\xfa"sv;
  const std::size_t at = code.starts_with(branch_target) ? branch_target.size() : 0;
  std::string_view push = code.substr(at);
  if (push.starts_with('\x41')) push.remove_prefix(1);  // of r8 to r15
  if (push.empty() || (static_cast<unsigned char>(push.front()) & 0xf8) != 0x50) return std::nullopt;
  return static_cast<std::uint32_t>(at);
}

}  // namespace

bool can_read_instructions(std::uint16_t machine) {
  return machine == EM_AARCH64 || (machine == EM_X86_64 && x86::available);
}

Result<std::vector<std::uint32_t>> find_returns(std::uint16_t machine, std::string_view code) {
  if (machine == EM_X86_64) return x86::find_returns(code);
  if (machine == EM_AARCH64 && code.size() % 4 == 0) return arm64_returns(code);
  return fail("code for a machine that is not known");
}

std::optional<std::uint32_t> stack_check_branch(std::uint16_t machine, std::string_view code) {
  if (machine == EM_X86_64) return x86_check(code);
  if (machine == EM_AARCH64) return arm64_check(code);
  return std::nullopt;
}

std::optional<Forwarding> forwarding(std::uint16_t machine, std::string_view code) {
  return machine == EM_X86_64 ? x86::forwarding(code) : std::nullopt;
}

std::optional<std::uint32_t> cheap_entry(std::uint16_t machine, std::string_view code) {
  return machine == EM_X86_64 ? x86_cheap_entry(code) : std::nullopt;
}

}  // namespace subfloor::elf
