// SPDX-License-Identifier: Apache-2.0
#include "elf/x86.h"

#include <Zydis/Zydis.h>

#include <array>
#include <span>

namespace subfloor::elf::x86 {

namespace {

constexpr std::size_t max_before_call = 48;  // instructions

bool make(ZydisDecoder& decoder) {
  return ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64));
}

// The 64-bit register that holds what the instruction writes as its i-th operand; none where that is no register.
ZydisRegister written(const ZydisDecodedOperand& operand) {
  if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER || (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) == 0)
    return ZYDIS_REGISTER_NONE;
  return ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, operand.reg.value);
}

// mov …, rsp; lea …, [rsp+n]
bool takes_stack(const ZydisDecodedInstruction& instruction, const ZydisDecodedOperand& source) {
  if (instruction.mnemonic == ZYDIS_MNEMONIC_MOV)
    return source.type == ZYDIS_OPERAND_TYPE_REGISTER && source.reg.value == ZYDIS_REGISTER_RSP;
  return instruction.mnemonic == ZYDIS_MNEMONIC_LEA && source.mem.base == ZYDIS_REGISTER_RSP &&
         source.mem.index == ZYDIS_REGISTER_NONE;
}

}  // namespace

const bool available = true;

std::optional<Forwarding> forwarding(std::string_view code) {
  ZydisDecoder decoder;
  if (!make(decoder)) return std::nullopt;
  Forwarding found;
  std::size_t at = 0;
  for (std::size_t i = 0; i < max_before_call; ++i) {
    ZydisDecodedInstruction instruction;
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
    if (ZYAN_FAILED(
            ZydisDecoderDecodeFull(&decoder, code.data() + at, code.size() - at, &instruction, operands.data())))
      return std::nullopt;
    at += instruction.length;
    if (instruction.mnemonic == ZYDIS_MNEMONIC_CALL || instruction.mnemonic == ZYDIS_MNEMONIC_JMP) {
      if (operands[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !operands[0].imm.is_relative) return std::nullopt;
      found.target = static_cast<std::int64_t>(at) + operands[0].imm.value.s;
      return found;
    }
    if (instruction.mnemonic == ZYDIS_MNEMONIC_RET) return std::nullopt;
    for (const ZydisDecodedOperand& operand : std::span(operands).first(instruction.operand_count)) {
      switch (written(operand)) {
        case ZYDIS_REGISTER_RDI:
        case ZYDIS_REGISTER_RSI: return std::nullopt;
        case ZYDIS_REGISTER_RCX:
          if (!takes_stack(instruction, operands[1])) return std::nullopt;
          found.fourth_on_stack = true;
          break;
        default: break;
      }
    }
  }
  return std::nullopt;
}

Result<std::vector<std::uint32_t>> find_returns(std::string_view code) {
  ZydisDecoder decoder;
  if (!make(decoder)) return fail("Zydis does not work");
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
