// SPDX-License-Identifier: Apache-2.0
#include "elf/elf_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace subfloor::elf {
namespace {

constexpr std::size_t max_sections = 4096;
constexpr std::size_t max_section_names = 256 << 10;
constexpr std::size_t max_dynamic = 64 << 10;
constexpr std::size_t max_dynamic_names = 4 << 20;
constexpr std::size_t max_needed = 512;
constexpr std::size_t max_segments = 256;

std::string text_at(std::string_view table, std::uint64_t offset) {
  if (offset >= table.size()) return {};
  table.remove_prefix(offset);
  return std::string(table.substr(0, table.find('\0')));
}

template <class T>
T item(std::string_view bytes, std::size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

bool understood(const Elf64_Ehdr& header) {
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
         header.e_ident[EI_DATA] == ELFDATA2LSB && header.e_shentsize == sizeof(Elf64_Shdr) &&
         header.e_shnum <= max_sections && header.e_shstrndx < header.e_shnum;
}

}  // namespace

std::string ElfFile::bytes(std::uint64_t offset, std::uint64_t size) const {
  size = offset < size_ ? std::min(size, size_ - offset) : 0;  // what a header claims is not allocated for
  std::string read(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t n = ::pread(fd_, read.data() + have, size - have, static_cast<off_t>(offset + have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    have += static_cast<std::size_t>(n);
  }
  read.resize(have);
  return read;
}

std::optional<ElfFile> ElfFile::read(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return std::nullopt;
  ElfFile file(fd, static_cast<std::uint64_t>(status.st_size));
  const std::string start = file.bytes(0, sizeof(Elf64_Ehdr));
  if (start.size() < sizeof(Elf64_Ehdr)) return std::nullopt;
  const auto header = item<Elf64_Ehdr>(start, 0);
  if (!understood(header) || !file.read_sections(header) || !file.read_segments(header)) return std::nullopt;
  return file;
}

bool ElfFile::read_sections(const Elf64_Ehdr& header) {
  const std::string table = bytes(header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr));
  if (table.size() < header.e_shnum * sizeof(Elf64_Shdr)) return false;
  const auto names_header = item<Elf64_Shdr>(table, header.e_shstrndx);
  if (names_header.sh_size > max_section_names) return false;
  const std::string names = bytes(names_header.sh_offset, names_header.sh_size);
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    const auto section = item<Elf64_Shdr>(table, i);
    const bool in_file = section.sh_type != SHT_NOBITS;
    sections_.push_back({text_at(names, section.sh_name).substr(0, 64), section.sh_type, section.sh_offset,
                         in_file ? section.sh_size : 0, section.sh_link});
  }
  return true;
}

bool ElfFile::read_segments(const Elf64_Ehdr& header) {
  if (header.e_phnum == 0) return true;
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > max_segments) return false;
  const std::string table = bytes(header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr));
  for (std::size_t i = 0; (i + 1) * sizeof(Elf64_Phdr) <= table.size(); ++i) {
    const auto segment = item<Elf64_Phdr>(table, i);
    if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0)
      segments_.push_back({segment.p_vaddr, segment.p_offset, segment.p_filesz});
  }
  return true;
}

// 0 where no code of the file is mapped there.
std::uint64_t ElfFile::file_offset(std::uint64_t address) const {
  for (const Segment& segment : segments_) {
    if (address >= segment.address && address - segment.address < segment.size)
      return segment.offset + (address - segment.address);
  }
  return 0;
}

const ElfFile::Section* ElfFile::find(std::string_view name) const {
  const auto found = std::ranges::find(sections_, name, &Section::name);
  return found == sections_.end() ? nullptr : &*found;
}

std::string ElfFile::content(const Section& section, std::size_t limit) const {
  return bytes(section.offset, std::min<std::uint64_t>(section.size, limit));
}

std::vector<std::string> ElfFile::needed() const {
  const Section* dynamic = find(".dynamic");
  const Section* names = find(".dynstr");
  if (dynamic == nullptr || names == nullptr) return {};
  const std::string entries = content(*dynamic, max_dynamic);
  const std::string table = content(*names, max_dynamic_names);
  std::vector<std::string> found;
  for (std::size_t i = 0; (i + 1) * sizeof(Elf64_Dyn) <= entries.size() && found.size() < max_needed; ++i) {
    const auto entry = item<Elf64_Dyn>(entries, i);
    if (entry.d_tag == DT_NULL) break;
    if (entry.d_tag == DT_NEEDED) found.push_back(text_at(table, entry.d_un.d_val).substr(0, 256));
  }
  return found;
}

}  // namespace subfloor::elf
