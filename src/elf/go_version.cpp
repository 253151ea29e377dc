// SPDX-License-Identifier: Apache-2.0
#include "elf/go_version.h"

#include <algorithm>
#include <charconv>

#include "elf/search.h"

// The form is that of debug/buildinfo in the Go distribution.
namespace subfloor::elf {
namespace {

constexpr std::string_view magic = "\xff Go buildinf:";
constexpr std::uint64_t alignment = 16;
constexpr std::uint64_t head_size = 32;
constexpr std::uint64_t max_searched = 64 << 20;
constexpr std::size_t max_text = 64;
constexpr std::uint8_t big_endian = 1, text_follows = 2;

std::optional<std::uint64_t> find_head(const ElfFile& file, Range where) {
  std::optional<std::uint64_t> head;
  search(file, where, magic, [&](std::uint64_t at) {
    if ((at - where.offset) % alignment == 0) head = at;
    return head.has_value();
  });
  return head;
}

// The linker puts it into a section of its own, in the data.
std::optional<std::uint64_t> find_head(const ElfFile& file) {
  if (const ElfFile::Section* section = file.find(".go.buildinfo"); section != nullptr)
    return find_head(file, {section->offset, std::min(section->size, max_searched)});
  if (!file.sections().empty()) return std::nullopt;
  std::uint64_t left = max_searched;
  for (const ElfFile::Segment& segment : file.segments()) {
    if (!segment.writable) continue;
    const Range where{segment.offset, std::min(segment.size, left)};
    if (const auto head = find_head(file, where)) return head;
    left -= where.size;
  }
  return std::nullopt;
}

std::string printable(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

// A length of at most two bytes, seven bits each, and the text: a version is shorter than what these can say.
std::string following_text(const ElfFile& file, std::uint64_t head) {
  const std::string bytes = file.bytes(head + head_size, 2 + max_text);
  if (bytes.size() < 2) return {};
  const auto first = static_cast<unsigned char>(bytes[0]), second = static_cast<unsigned char>(bytes[1]);
  const std::size_t prefix = first < 0x80 ? 1 : 2;
  const std::size_t length = first < 0x80 ? first : (first & 0x7fU) | (second & 0x7fU) << 7;
  return bytes.substr(prefix, std::min(length, max_text));
}

// Before Go 1.18: the address of a string, which is an address and a length.
std::string pointed_text(const ElfFile& file, const std::string& head) {
  const auto string = file.offset_of(item<std::uint64_t>(head, 2));
  if (!string) return {};
  const std::string pair = file.bytes(*string, 16);
  if (pair.size() < 16) return {};
  const auto text = file.offset_of(item<std::uint64_t>(pair, 0));
  return text ? file.bytes(*text, std::min<std::uint64_t>(item<std::uint64_t>(pair, 1), max_text)) : std::string{};
}

}  // namespace

GoVersion parse_go_version(std::string_view text) {
  GoVersion version{.text = printable(std::string(text.substr(0, max_text)))};
  const std::size_t at = text.find("go1.");
  if (at == std::string_view::npos || (at != 0 && text[at - 1] != ' ')) return version;
  int minor = 0;
  const char* from = text.data() + at + 4;
  if (std::from_chars(from, text.data() + text.size(), minor).ec != std::errc{} || minor < 0) return version;
  version.major = 1;
  version.minor = minor;
  return version;
}

std::optional<GoVersion> go_version(const ElfFile& file) {
  const auto at = find_head(file);
  if (!at) return std::nullopt;
  const std::string head = file.bytes(*at, head_size);
  if (head.size() < head_size) return std::nullopt;
  const auto pointer_size = static_cast<std::uint8_t>(head[14]), flags = static_cast<std::uint8_t>(head[15]);
  if ((flags & text_follows) != 0) return parse_go_version(following_text(file, *at));
  if (pointer_size == 8 && (flags & big_endian) == 0) return parse_go_version(pointed_text(file, head));
  return GoVersion{};
}

}  // namespace subfloor::elf
