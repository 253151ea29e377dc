// SPDX-License-Identifier: Apache-2.0
// The smallest file that looks like a Go program with functions "e" and "f", for tests of what no installed Go writes.
#pragma once

#include <elf.h>

#include <cstdint>
#include <string>

namespace subfloor::elf::testing {

using namespace std::string_literals;

template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

inline const std::string x86_function = "\x49\x3b\x66\x10\x76\x01\xc3\xc3\xcc\xcc"s;
inline const std::string arm64_function =
    "\x90\x0b\x40\xf9\xff\x63\x30\xeb\x89\x12\x00\x54\xc0\x03\x5f\xd6"s + std::string(16, '\0');

struct TinyGo {
  std::uint32_t magic = 0xfffffff1;
  std::uint16_t machine = EM_X86_64;
  std::string code = x86_function;
  std::string version = "go1.23.5";  // "": no such information
  bool text_in_table = true;         // else the loader is told to write it
  std::uint64_t nop = 0;             // bytes of other code before the functions

  static constexpr std::uint64_t base = 0x400000;  // of the file, all of it loaded
  static constexpr std::uint64_t head = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr);
  static constexpr std::uint64_t text = (head + 31) / 32 * 32;

  [[nodiscard]] std::uint64_t first() const { return text + nop; }  // offset of "e" in the file; "f" follows

  [[nodiscard]] std::string table(std::uint64_t text_address) const {
    const bool old = magic == 0xfffffffa;
    const std::string names = "\0e\0f\0"s + std::string(3, '\0');
    std::string head_bytes = raw(magic) + "\0\0"s + (machine == EM_X86_64 ? "\1"s : "\4"s) + "\x08"s;
    head_bytes += raw<std::uint64_t>(2) + raw<std::uint64_t>(0);
    if (!old) head_bytes += raw<std::uint64_t>(text_in_table ? text_address : 0);
    const std::uint64_t at = head_bytes.size() + 5 * 8, entries = at + names.size();
    head_bytes += raw(at) + raw(entries) + raw(entries) + raw(entries) + raw(entries);
    std::string index, data;
    const std::uint64_t index_size = old ? 2 * 16 + 8 : 2 * 8 + 4;
    for (std::uint64_t i = 0; i < 3; ++i) {
      const std::uint64_t start = (old ? text_address : 0) + nop + i * code.size();
      const std::uint64_t where = index_size + data.size();
      const auto name = static_cast<std::uint32_t>(1 + 2 * i);
      index += old ? raw(start) : raw(static_cast<std::uint32_t>(start));
      if (i == 2) break;
      index += old ? raw(where) : raw(static_cast<std::uint32_t>(where));
      data += (old ? raw(start) : raw(static_cast<std::uint32_t>(start))) + raw(name);
    }
    const std::string rest(16, '\0');  // the entry behind the last is read as a whole
    return head_bytes + names + index + data + rest;
  }

  [[nodiscard]] std::string file() const {
    std::string body(text, '\0');
    body += std::string(nop, '\x90') + code + code;
    const auto align = [&] { body.resize((body.size() + 31) / 32 * 32, '\0'); };
    align();
    const std::uint64_t table_at = body.size();
    body += table(base + text);
    align();
    const std::uint64_t data_at = body.size();
    if (!version.empty())
      body += "\xff Go buildinf:"s + "\x08\x02"s + std::string(16, '\0') + static_cast<char>(version.size()) + version;
    align();
    const std::uint64_t relocations_at = body.size();
    const std::uint64_t relative = machine == EM_AARCH64 ? R_AARCH64_RELATIVE : R_X86_64_RELATIVE;
    if (!text_in_table) body += raw(Elf64_Rela{base + table_at + 24, relative, static_cast<std::int64_t>(base + text)});
    const std::uint64_t dynamic_at = body.size();
    body += raw(Elf64_Dyn{DT_RELA, {base + relocations_at}}) + raw(Elf64_Dyn{DT_RELASZ, {dynamic_at - relocations_at}});
    body += raw(Elf64_Dyn{DT_NULL, {0}});

    Elf64_Ehdr header{};
    std::string(ELFMAG).copy(reinterpret_cast<char*>(header.e_ident), 4);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_machine = machine;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 3;
    const auto segment = [&](std::uint32_t type, std::uint32_t flags, std::uint64_t from, std::uint64_t to) {
      Elf64_Phdr one{};
      one.p_type = type;
      one.p_flags = flags;
      one.p_offset = from;
      one.p_vaddr = base + from;
      one.p_filesz = one.p_memsz = to - from;
      return raw(one);
    };
    body.replace(0, head,
                 raw(header) + segment(PT_LOAD, PF_R | PF_X, 0, data_at) +
                     segment(PT_LOAD, PF_R | PF_W, data_at, body.size()) +
                     segment(PT_DYNAMIC, PF_R | PF_W, dynamic_at, body.size()));
    return body;
  }
};

}  // namespace subfloor::elf::testing
