// SPDX-License-Identifier: Apache-2.0
// Symbol tables are read in pieces: those of large programs are larger than what the agent wants to hold.

#include <algorithm>
#include <cstring>
#include <map>

#include "elf/elf_file.h"

namespace subfloor::elf {
namespace {

constexpr std::uint64_t piece = (1 << 20) / sizeof(Elf64_Sym) * sizeof(Elf64_Sym);  // whole symbols
constexpr std::uint64_t max_names = 128 << 20;
constexpr std::uint64_t max_symbols = 256 << 20;
constexpr std::size_t max_name = 256;
constexpr std::size_t max_places = 4096;  // where a name stands, or the end of a longer one: the linker shares those

// Where in a string table the names stand: offset → index of the name.
class Places {
 public:
  explicit Places(std::span<const std::string_view> names) : names_(names) {}

  void look_through(std::string_view text, std::uint64_t offset) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const std::string wanted = std::string(names_[i]) + '\0';
      std::string_view rest = text;
      while (places_.size() < max_places) {
        const std::size_t at = rest.find(wanted);
        if (at == std::string_view::npos) break;
        places_.emplace(offset + text.size() - rest.size() + at, i);
        rest.remove_prefix(at + 1);
      }
    }
  }

  [[nodiscard]] bool none() const { return places_.empty(); }
  [[nodiscard]] const std::size_t* find(std::uint64_t offset) const {
    const auto found = places_.find(offset);
    return found == places_.end() ? nullptr : &found->second;
  }

 private:
  std::span<const std::string_view> names_;
  std::map<std::uint64_t, std::size_t> places_;
};

}  // namespace

std::vector<std::uint64_t> ElfFile::functions(std::span<const std::string_view> names, Symbols which) const {
  std::vector<std::uint64_t> offsets(names.size(), 0);
  for (const Section& section : sections_) {
    if (section.type == SHT_DYNSYM || (which == Symbols::all && section.type == SHT_SYMTAB))
      find_functions(section, names, offsets);
  }
  return offsets;
}

void ElfFile::find_functions(const Section& table, std::span<const std::string_view> names,
                             std::vector<std::uint64_t>& offsets) const {
  if (table.link >= sections_.size()) return;
  const Section& texts = sections_[table.link];
  const std::uint64_t names_size = std::min(texts.size, max_names);
  Places places(names);
  for (std::uint64_t at = 0; at < names_size; at += piece) {  // a name may lie across two pieces
    const std::string text = bytes(texts.offset + at, std::min(piece + max_name, names_size - at));
    places.look_through(text, at);
    if (text.size() < piece) break;
  }
  if (places.none()) return;
  const std::uint64_t symbols_size = std::min(table.size, max_symbols);
  for (std::uint64_t at = 0; at < symbols_size; at += piece) {
    const std::string text = bytes(table.offset + at, std::min(piece, symbols_size - at));
    for (std::size_t i = 0; i + sizeof(Elf64_Sym) <= text.size(); i += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol;
      std::memcpy(&symbol, text.data() + i, sizeof symbol);
      if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF) continue;
      const std::size_t* name = places.find(symbol.st_name);
      if (name != nullptr && offsets[*name] == 0) offsets[*name] = code_offset_of(symbol.st_value).value_or(0);
    }
    if (text.size() < piece) break;
  }
}

}  // namespace subfloor::elf
