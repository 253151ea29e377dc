// SPDX-License-Identifier: Apache-2.0
#include "cli/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace subfloor::cli {
namespace {

struct Decoded {
  std::uint32_t code = 0;
  std::size_t size = 0;  // bytes; 0: not UTF-8
};

Decoded decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t size = first >= 0xf0 && first <= 0xf4  ? 4
                           : first >= 0xe0 && first < 0xf0 ? 3
                           : first >= 0xc2 && first < 0xe0 ? 2
                                                           : 0;
  if (size == 0 || text.size() < size) return {};
  std::uint32_t code = first & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fU);
  }
  constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {code, size};
}

struct Range {
  std::uint32_t first, last;
};

template <std::size_t N>
bool within(std::uint32_t code, const std::array<Range, N>& ranges) {
  for (const Range& range : ranges)
    if (code >= range.first && code <= range.last) return true;
  return false;
}

// Characters of no width of their own, or that change how others are shown.
constexpr std::array<Range, 23> hidden{
    {{0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x300, 0x36f},   {0x483, 0x489},     {0x591, 0x5bd},
     {0x600, 0x605},   {0x610, 0x61a},   {0x61c, 0x61c},   {0x64b, 0x65f},   {0x6dd, 0x6dd},     {0x180b, 0x180f},
     {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x2028, 0x202f}, {0x2060, 0x206f},   {0x20d0, 0x20ff},
     {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xfff0, 0xffff}, {0xe0000, 0x10ffff}}};
constexpr std::array<Range, 13> wide{{{0x1100, 0x115f},
                                      {0x231a, 0x231b},
                                      {0x2e80, 0x303e},
                                      {0x3041, 0x4dbf},
                                      {0x4e00, 0xa4cf},
                                      {0xa960, 0xa97f},
                                      {0xac00, 0xd7a3},
                                      {0xf900, 0xfaff},
                                      {0xfe30, 0xfe6f},
                                      {0xff00, 0xff60},
                                      {0xffe0, 0xffe6},
                                      {0x1f300, 0x1f9ff},
                                      {0x20000, 0x3fffd}}};

std::size_t width_of(std::uint32_t code) { return within(code, wide) ? 2 : 1; }

}  // namespace

std::string printable(std::string_view text, bool utf8) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Decoded next = decode(text);
    const std::size_t size = next.size == 0 ? 1 : next.size;
    if (next.size == 0) {
      out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(text[0]));
    } else if (next.code < 0x80 && (next.code < 0x20 || next.code == 0x7f)) {
      out += fmt::format("\\x{:02x}", next.code);
    } else if (next.code >= 0x80 && (!utf8 || within(next.code, hidden))) {
      out += fmt::format("\\u{{{:x}}}", next.code);
    } else {
      out.append(text.substr(0, size));
    }
    text.remove_prefix(size);
  }
  return out;
}

std::size_t columns(std::string_view text) {
  std::size_t total = 0;
  while (!text.empty()) {
    const Decoded next = decode(text);
    total += next.size == 0 ? 1 : width_of(next.code);
    text.remove_prefix(next.size == 0 ? 1 : next.size);
  }
  return total;
}

std::string shorten(std::string_view text, std::size_t width, bool utf8) {
  if (columns(text) <= width) return std::string(text);
  const std::string_view ellipsis = utf8 ? "…" : width >= 8 ? "..." : ">";
  const std::size_t room = width - std::min(width, columns(ellipsis));
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const Decoded next = decode(text);
    const std::size_t size = next.size == 0 ? 1 : next.size;
    const std::size_t more = next.size == 0 ? 1 : width_of(next.code);
    if (used + more > room) break;
    used += more;
    out.append(text.substr(0, size));
    text.remove_prefix(size);
  }
  return width == 0 ? "" : out.append(ellipsis);
}

std::string fit(std::string_view text, std::size_t width, bool utf8, Align align) {
  std::string out = shorten(text, width, utf8);
  const std::string padding(width - std::min(width, columns(out)), ' ');
  return align == Align::left ? out + padding : padding + out;
}

std::string human_duration(Nanoseconds duration, bool utf8) {
  constexpr Nanoseconds us = 1'000, ms = 1'000'000, second = 1'000'000'000;
  // Three digits; rounding to the next unit is left to the unit above.
  const auto digits = [](double value, std::string_view unit) {
    return fmt::format("{:.{}f}{}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, unit);
  };
  const auto in = [&](Nanoseconds unit) { return static_cast<double>(duration) / static_cast<double>(unit); };
  if (duration < us) return fmt::format("{}ns", duration);
  if (in(us) < 999.5) return digits(in(us), utf8 ? "µs" : "us");
  if (in(ms) < 999.5) return digits(in(ms), "ms");
  if (in(second) < 99.95) return digits(in(second), "s");
  const std::uint64_t seconds = duration / second;
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  if (seconds < 360'000) return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{}d", seconds / 86'400);
}

std::string human_size(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{}B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  constexpr std::string_view units = "KMGTPE";
  while (value >= 999.5 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.{}f}{}", value, value < 9.95 ? 1 : 0, units[unit]);
}

}  // namespace subfloor::cli
