// SPDX-License-Identifier: Apache-2.0
#include "elf/x86.h"

#include <Zydis/Zydis.h>

namespace subfloor::elf::x86 {

const bool available = true;

Result<std::vector<std::uint32_t>> find_returns(std::string_view code) {
  ZydisDecoder decoder;
  if (ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
    return fail("Zydis does not work");
  std::vector<std::uint32_t> found;
  for (std::size_t at = 0; at < code.size();) {
    ZydisDecodedInstruction instruction;
    if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoder, nullptr, code.data() + at, code.size() - at, &instruction)))
      return fail(fmt::format("no instruction at byte {} of a function", at));
    if (instruction.mnemonic == ZYDIS_MNEMONIC_RET) found.push_back(static_cast<std::uint32_t>(at));
    at += instruction.length;
  }
  return found;
}

}  // namespace subfloor::elf::x86
