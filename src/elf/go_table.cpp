// SPDX-License-Identifier: Apache-2.0
#include "elf/go_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "elf/relocations.h"
#include "elf/window.h"

// The forms are those that runtime/symtab.go and debug/gosym/pclntab.go of the Go distribution read.
namespace subfloor::elf {
namespace {

constexpr std::uint32_t magic_1_16 = 0xfffffffa;
constexpr std::uint32_t magic_1_18 = 0xfffffff0;
constexpr std::uint32_t magic_1_20 = 0xfffffff1;

constexpr std::uint64_t max_functions = 8 << 20;
constexpr std::uint64_t max_names = 256 << 20;
constexpr std::uint64_t max_function_size = 1 << 20;
constexpr std::uint64_t max_searched = 512 << 20;
constexpr int max_candidates = 1000;

struct Start {
  std::uint32_t magic;
  std::uint8_t zero[2];
  std::uint8_t quantum;  // the least size of an instruction
  std::uint8_t pointer_size;
};

// What follows it; since 1.18 with the beginning of the text between the counts and the offsets.
struct Counts {
  std::uint64_t functions, files;
};
struct Offsets {
  std::uint64_t names, units, files, values, entries;  // from the start of the table
};

struct Entry16 {
  std::uint64_t address, data;
};
struct Entry18 {
  std::uint32_t address, data;
};
// What the data of a function begins with.
struct Function16 {
  std::uint64_t address;
  std::uint32_t name;
};
struct Function18 {
  std::uint32_t address, name;
};

bool is_start(const Start& start, std::uint16_t machine) {
  const bool known = start.magic == magic_1_16 || start.magic == magic_1_18 || start.magic == magic_1_20;
  return known && start.zero[0] == 0 && start.zero[1] == 0 && start.quantum == (machine == EM_X86_64 ? 1 : 4) &&
         start.pointer_size == 8;
}

// Walks the functions in the order of their addresses until one has the name.
template <class Entry, class Function>
std::optional<GoFunction> find_named(const ElfFile& file, std::uint64_t entries, std::uint64_t count,
                                     std::uint32_t name) {
  Window index(file), data(file);
  Entry entry{}, next{};
  Function function{};
  if (!index.read(entries, entry)) return std::nullopt;
  for (std::uint64_t i = 0; i < count; ++i, entry = next) {
    if (!index.read(entries + (i + 1) * sizeof(Entry), next) || next.address < entry.address) return std::nullopt;
    if (!data.read(entries + entry.data, function) || function.address != entry.address) return std::nullopt;
    if (function.name != name) continue;
    const std::uint64_t size = next.address - entry.address;
    if (size == 0 || size > max_function_size) return std::nullopt;
    return GoFunction{entry.address, size};
  }
  return std::nullopt;
}

}  // namespace

std::optional<GoTable> GoTable::at(const ElfFile& file, Range range) {
  Window header(file);
  Start start{};
  Counts counts{};
  Offsets offsets{};
  GoTable table(file, range.offset);
  std::uint64_t at = range.offset;
  if (!header.read(at, start) || !is_start(start, file.machine())) return std::nullopt;
  at += sizeof start;
  if (!header.read(at, counts)) return std::nullopt;
  at += sizeof counts;
  table.relative_ = start.magic != magic_1_16;
  if (table.relative_) {
    if (!header.read(at, table.text_field_)) return std::nullopt;
    at += sizeof table.text_field_;
  }
  if (!header.read(at, offsets)) return std::nullopt;

  const std::uint64_t entry_size = table.relative_ ? sizeof(Entry18) : sizeof(Entry16);
  const bool in_order = offsets.names < offsets.units && offsets.units <= offsets.files &&
                        offsets.files <= offsets.values && offsets.values <= offsets.entries &&
                        offsets.entries < range.size;
  if (!in_order || counts.functions == 0 || counts.functions > max_functions ||
      (counts.functions + 1) * entry_size > range.size - offsets.entries)
    return std::nullopt;
  table.functions_ = counts.functions;
  table.names_ = {range.offset + offsets.names, std::min(offsets.units - offsets.names, max_names)};
  table.entries_ = {range.offset + offsets.entries, range.size - offsets.entries};
  return table;
}

std::optional<GoTable> GoTable::among_segments(const ElfFile& file) {
  std::optional<GoTable> found;
  std::uint64_t left = max_searched;
  int candidates = 0;
  for (const ElfFile::Segment& segment : file.segments()) {
    for (const std::uint32_t magic : {magic_1_20, magic_1_18, magic_1_16}) {
      const Range range{segment.offset, std::min(left, segment.size)};
      std::string needle(6, '\0');
      std::memcpy(needle.data(), &magic, sizeof magic);
      search(file, range, needle, [&](std::uint64_t at) {
        const auto address = file.address_of(at);
        if (address && *address % 8 == 0) found = GoTable::at(file, {at, segment.offset + segment.size - at});
        return found.has_value() || ++candidates > max_candidates;
      });
      if (found) return found;
      left -= range.size;
    }
  }
  return std::nullopt;
}

std::optional<GoTable> GoTable::find(const ElfFile& file) {
  for (const std::string_view name : {".gopclntab", ".data.rel.ro.gopclntab"}) {
    const ElfFile::Section* section = file.find(name);
    if (section == nullptr) continue;
    if (auto table = at(file, {section->offset, section->size})) return table;
  }
  return among_segments(file);
}

// Every name stands once, and ends with a zero byte.
std::optional<std::uint32_t> GoTable::name_offset(std::string_view name) const {
  const std::string needle = '\0' + std::string(name) + '\0';
  std::optional<std::uint32_t> offset;
  search(*file_, names_, needle, [&](std::uint64_t at) {
    offset = static_cast<std::uint32_t>(at + 1 - names_.offset);
    return true;
  });
  return offset;
}

std::optional<GoFunction> GoTable::function(std::string_view name, std::uint64_t text) const {
  const auto named = name_offset(name);
  if (!named) return std::nullopt;
  if (!relative_) return find_named<Entry16, Function16>(*file_, entries_.offset, functions_, *named);
  auto found = find_named<Entry18, Function18>(*file_, entries_.offset, functions_, *named);
  if (found) found->address += text;
  return found;
}

std::vector<std::uint64_t> GoTable::texts() const {
  if (!relative_) return {0};
  std::vector<std::uint64_t> all;
  if (text_field_ != 0) all.push_back(text_field_);
  // In a position-independent program the loader writes the field.
  const auto field = file_->address_of(offset_ + sizeof(Start) + sizeof(Counts));
  const auto relocated = field ? relocated_word(*file_, *field) : std::nullopt;
  if (relocated) all.push_back(*relocated);
  if (const ElfFile::Section* text = file_->find(".text"); text != nullptr) all.push_back(text->address);
  return all;
}

}  // namespace subfloor::elf
