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
constexpr std::size_t max_segments = 256;
constexpr std::size_t max_section_names = 256 << 10;
constexpr std::size_t max_dynamic = 64 << 10;
constexpr std::size_t max_dynamic_names = 4 << 20;
constexpr std::size_t max_needed = 512;

std::string text_at(std::string_view table, std::uint64_t offset) {
  if (offset >= table.size()) return {};
  table.remove_prefix(offset);
  return std::string(table.substr(0, table.find('\0')));
}

bool understood(const Elf64_Ehdr& header) {
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
         header.e_ident[EI_DATA] == ELFDATA2LSB;
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
  if (!understood(header)) return std::nullopt;
  file.machine_ = header.e_machine;
  file.read_segments(header);
  if (!file.read_sections(header)) file.sections_.clear();
  if (file.sections_.empty() && file.segments_.empty()) return std::nullopt;
  return file;
}

void ElfFile::read_segments(const Elf64_Ehdr& header) {
  if (header.e_phentsize != sizeof(Elf64_Phdr)) return;
  const std::string table =
      bytes(header.e_phoff, std::min<std::uint64_t>(header.e_phnum, max_segments) * sizeof(Elf64_Phdr));
  for (std::size_t i = 0; (i + 1) * sizeof(Elf64_Phdr) <= table.size(); ++i) {
    const auto segment = item<Elf64_Phdr>(table, i);
    if ((segment.p_type != PT_LOAD && segment.p_type != PT_DYNAMIC) || segment.p_offset >= size_) continue;
    // Sums with what is left do not wrap round.
    const std::uint64_t size = std::min({segment.p_filesz, size_ - segment.p_offset, ~segment.p_vaddr});
    const Segment found{segment.p_offset, segment.p_vaddr, size, (segment.p_flags & PF_W) != 0,
                        (segment.p_flags & PF_X) != 0};
    if (segment.p_type == PT_LOAD)
      segments_.push_back(found);
    else
      dynamic_ = found;
  }
}

bool ElfFile::read_sections(const Elf64_Ehdr& header) {
  if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum > max_sections || header.e_shstrndx >= header.e_shnum)
    return false;
  const std::string table = bytes(header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr));
  if (table.size() < header.e_shnum * sizeof(Elf64_Shdr)) return false;
  const auto names_header = item<Elf64_Shdr>(table, header.e_shstrndx);
  if (names_header.sh_size > max_section_names) return false;
  const std::string names = bytes(names_header.sh_offset, names_header.sh_size);
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    const auto section = item<Elf64_Shdr>(table, i);
    const bool in_file = section.sh_type != SHT_NOBITS;
    sections_.push_back({text_at(names, section.sh_name).substr(0, 64), section.sh_type, section.sh_offset,
                         in_file ? section.sh_size : 0, section.sh_addr, section.sh_link});
  }
  return true;
}

const ElfFile::Section* ElfFile::find(std::string_view name) const {
  const auto found = std::ranges::find(sections_, name, &Section::name);
  return found == sections_.end() ? nullptr : &*found;
}

std::string ElfFile::content(const Section& section, std::size_t limit) const {
  return bytes(section.offset, std::min<std::uint64_t>(section.size, limit));
}

const ElfFile::Segment* ElfFile::segment_of(std::uint64_t address) const {
  const auto holds = [&](const Segment& each) { return address >= each.address && address - each.address < each.size; };
  const auto found = std::ranges::find_if(segments_, holds);
  return found == segments_.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> ElfFile::offset_of(std::uint64_t address) const {
  const Segment* segment = segment_of(address);
  return segment == nullptr ? std::nullopt : std::optional(segment->offset + (address - segment->address));
}

std::optional<std::uint64_t> ElfFile::code_offset_of(std::uint64_t address) const {
  const Segment* segment = segment_of(address);
  return segment == nullptr || !segment->executable ? std::nullopt : offset_of(address);
}

std::optional<std::uint64_t> ElfFile::address_of(std::uint64_t offset) const {
  for (const Segment& segment : segments_) {
    if (offset >= segment.offset && offset - segment.offset < segment.size)
      return segment.address + (offset - segment.offset);
  }
  return std::nullopt;
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
