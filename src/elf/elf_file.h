// SPDX-License-Identifier: Apache-2.0
// ElfFile: sections of a 64-bit little-endian ELF file, read piece by piece within stated bounds.
// Executables are hostile input. libelf allocates what their headers ask for, and mapping a file that its owner then
// truncates is a SIGBUS; hence this small reader, which does neither.
#pragma once

#include <elf.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace subfloor::elf {

class ElfFile {
 public:
  struct Section {
    std::string name;
    std::uint32_t type = 0;
    std::uint64_t offset = 0, size = 0;
    std::uint32_t link = 0;  // of a symbol table: the index of the section with its names
  };

  // Reads headers and section names; fd stays the caller's. Empty where it is no such file or breaks a bound.
  [[nodiscard]] static std::optional<ElfFile> read(int fd);

  [[nodiscard]] const std::vector<Section>& sections() const { return sections_; }
  [[nodiscard]] const Section* find(std::string_view name) const;

  // Up to limit bytes from the start of the section; fewer where the file ends before.
  [[nodiscard]] std::string content(const Section& section, std::size_t limit) const;

  // Names of the shared libraries it asks for.
  [[nodiscard]] std::vector<std::string> needed() const;

  // Where the functions of these names begin, as offsets into the file, in the same order; 0 where there is none. Looks
  // through what it exports, or through all of its symbols.
  enum class Symbols : std::uint8_t { exported, all };
  [[nodiscard]] std::vector<std::uint64_t> functions(std::span<const std::string_view> names, Symbols which) const;

 private:
  ElfFile(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  [[nodiscard]] std::string bytes(std::uint64_t offset, std::uint64_t size) const;
  [[nodiscard]] bool read_sections(const Elf64_Ehdr& header);

  bool read_segments(const Elf64_Ehdr& header);
  [[nodiscard]] std::uint64_t file_offset(std::uint64_t address) const;
  void find_functions(const Section& table, std::span<const std::string_view> names,
                      std::vector<std::uint64_t>& offsets) const;

  struct Segment {
    std::uint64_t address, offset, size;
  };

  int fd_;
  std::uint64_t size_;  // of the file
  std::vector<Segment> segments_;  // with code
  std::vector<Section> sections_;
};

}  // namespace subfloor::elf
