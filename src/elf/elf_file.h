// SPDX-License-Identifier: Apache-2.0
// ElfFile: sections and segments of a 64-bit little-endian ELF file, read piece by piece within stated bounds.
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
    std::uint64_t offset = 0, size = 0;  // size 0 where the file holds no bytes of it
    std::uint64_t address = 0;           // 0 where it is not loaded
    std::uint32_t link = 0;              // of a symbol table: the index of the section with its names
  };

  // What is loaded into memory, as far as it comes from the file.
  struct Segment {
    std::uint64_t offset = 0, address = 0, size = 0;
    bool writable = false, executable = false;
  };

  // Reads headers and section names; fd stays the caller's. Empty where it is no such file or breaks a bound. A file
  // without section headers, or with none that make sense, has segments only.
  [[nodiscard]] static std::optional<ElfFile> read(int fd);

  [[nodiscard]] std::uint16_t machine() const { return machine_; }  // EM_X86_64, …
  [[nodiscard]] const std::vector<Section>& sections() const { return sections_; }
  [[nodiscard]] const Section* find(std::string_view name) const;
  [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }

  // The instructions for the loader; of size 0 where there are none.
  [[nodiscard]] const Segment& dynamic() const { return dynamic_; }

  // Up to limit bytes from the start of the section; fewer where the file ends before.
  [[nodiscard]] std::string content(const Section& section, std::size_t limit) const;

  // Up to size bytes at this offset of the file; fewer where it ends before.
  [[nodiscard]] std::string bytes(std::uint64_t offset, std::uint64_t size) const;

  // Where in the file the byte is that is loaded at this address.
  [[nodiscard]] std::optional<std::uint64_t> offset_of(std::uint64_t address) const;

  // The same, where what is loaded there may be executed.
  [[nodiscard]] std::optional<std::uint64_t> code_offset_of(std::uint64_t address) const;

  // Where the byte at this offset of the file is loaded.
  [[nodiscard]] std::optional<std::uint64_t> address_of(std::uint64_t offset) const;

  // Names of the shared libraries it asks for.
  [[nodiscard]] std::vector<std::string> needed() const;

  // Where the functions of these names begin, as offsets into the file, in the same order; 0 where there is none. Looks
  // through what it exports, or through all of its symbols.
  enum class Symbols : std::uint8_t { exported, all };
  [[nodiscard]] std::vector<std::uint64_t> functions(std::span<const std::string_view> names, Symbols which) const;

 private:
  ElfFile(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  [[nodiscard]] bool read_sections(const Elf64_Ehdr& header);
  [[nodiscard]] const Segment* segment_of(std::uint64_t address) const;
  void read_segments(const Elf64_Ehdr& header);
  void find_functions(const Section& table, std::span<const std::string_view> names,
                      std::vector<std::uint64_t>& offsets) const;

  int fd_;
  std::uint64_t size_;  // of the file
  std::uint16_t machine_ = EM_NONE;
  std::vector<Section> sections_;
  std::vector<Segment> segments_;
  Segment dynamic_;
};

// Takes the i-th T out of bytes, which hold it.
template <class T>
[[nodiscard]] T item(std::string_view bytes, std::size_t i) {
  T value;
  bytes.copy(reinterpret_cast<char*>(&value), sizeof(T), i * sizeof(T));
  return value;
}

}  // namespace subfloor::elf
