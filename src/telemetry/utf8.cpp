// SPDX-License-Identifier: Apache-2.0
#include "telemetry/utf8.h"

#include <algorithm>

namespace subfloor::utf8 {
namespace {

// How many bytes follow a first byte, and between what the first of them must lie (Unicode, table 3-7).
struct Lead {
  std::size_t following;
  unsigned char low, high;
};

Lead lead_of(unsigned char byte) {
  if (byte >= 0xc2 && byte <= 0xdf) return {1, 0x80, 0xbf};
  if (byte == 0xe0) return {2, 0xa0, 0xbf};
  if (byte == 0xed) return {2, 0x80, 0x9f};  // no surrogates
  if (byte >= 0xe1 && byte <= 0xef) return {2, 0x80, 0xbf};
  if (byte == 0xf0) return {3, 0x90, 0xbf};
  if (byte >= 0xf1 && byte <= 0xf3) return {3, 0x80, 0xbf};
  if (byte == 0xf4) return {3, 0x80, 0x8f};  // nothing above U+10FFFF
  return {0, 0, 0};
}

bool is_plain(char c) { return c >= 0x20 && c < 0x7f; }

}  // namespace

Step step(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {1, true};
  Lead lead = lead_of(byte(0));
  if (lead.following == 0) return {1, false};
  for (std::size_t i = 1; i <= lead.following; ++i) {
    if (i == text.size() || byte(i) < lead.low || byte(i) > lead.high) return {i, false};
    lead.low = 0x80;
    lead.high = 0xbf;
  }
  return {lead.following + 1, true};
}

std::string printable(std::string_view text) {
  if (std::all_of(text.begin(), text.end(), is_plain)) return std::string(text);
  std::string result;
  while (!text.empty()) {
    const Step next = step(text);
    const bool control = next.size == 1 && !is_plain(text.front());
    result.append(next.valid && !control ? text.substr(0, next.size) : replacement);
    text.remove_prefix(next.size);
  }
  return result;
}

}  // namespace subfloor::utf8
