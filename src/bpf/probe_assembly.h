// SPDX-License-Identifier: Apache-2.0
// Writes the few instructions that a probe's program has: loading it is then one system call, with no object file to
// open and no types to relocate.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <vector>

namespace subfloor::bpf::probe {

class Assembly {
 public:
  // A program that does nothing but return this.
  [[nodiscard]] static Assembly returning(int value) { return Assembly().set(0, value).exit(); }

  Assembly& set(int reg, int value) { return add(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, value); }
  Assembly& copy(int to, int from) { return add(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
  Assembly& add_to(int reg, int value) { return add(BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, value); }
  Assembly& load64(int to, int from, int offset) { return add(BPF_LDX | BPF_MEM | BPF_DW, to, from, offset, 0); }
  Assembly& store32(int to, int offset, int value) { return add(BPF_ST | BPF_MEM | BPF_W, to, 0, offset, value); }
  // Both jumps leave out the next `count` instructions.
  Assembly& skip_if_zero(int reg, int count) { return add(BPF_JMP | BPF_JEQ | BPF_K, reg, 0, count, 0); }
  Assembly& skip_unless_zero(int reg, int count) { return add(BPF_JMP | BPF_JNE | BPF_K, reg, 0, count, 0); }
  Assembly& call(int helper) { return add(BPF_JMP | BPF_CALL, 0, 0, 0, helper); }
  Assembly& call_kernel(int function_type) {
    return add(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, function_type);
  }
  Assembly& exit() { return add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

  Assembly& load_map(int reg, int map) {
    return add(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_FD, 0, map).add(0, 0, 0, 0, 0);
  }
  // The address of the function that begins `distance` instructions after the next one.
  Assembly& load_function(int reg, int distance) {
    return add(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_FUNC, 0, distance).add(0, 0, 0, 0, 0);
  }
  // Adds 1 to the first 64 bits of the map's element 0.
  Assembly& count_in(int map) {
    store32(10, -4, 0).copy(2, 10).add_to(2, -4).load_map(1, map).call(BPF_FUNC_map_lookup_elem);
    return skip_if_zero(0, 2).set(1, 1).add(BPF_STX | BPF_ATOMIC | BPF_DW, 0, 1, 0, BPF_ADD);
  }

  [[nodiscard]] const bpf_insn* data() const { return code_.data(); }
  [[nodiscard]] std::size_t size() const { return code_.size(); }

 private:
  Assembly& add(int code, int to, int from, int offset, int value) {
    bpf_insn instruction{};
    instruction.code = static_cast<std::uint8_t>(code);
    instruction.dst_reg = static_cast<std::uint8_t>(to & 0xf);
    instruction.src_reg = static_cast<std::uint8_t>(from & 0xf);
    instruction.off = static_cast<std::int16_t>(offset);
    instruction.imm = value;
    code_.push_back(instruction);
    return *this;
  }

  std::vector<bpf_insn> code_;
};

}  // namespace subfloor::bpf::probe
