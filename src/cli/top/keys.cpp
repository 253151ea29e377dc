// SPDX-License-Identifier: Apache-2.0
#include "cli/top/keys.h"

#include <algorithm>
#include <array>
#include <utility>

namespace subfloor::cli {
namespace {

using Name = Key::Name;

constexpr std::array<std::pair<std::string_view, Name>, 14> sequences{{{"[A", Name::up},
                                                                       {"[B", Name::down},
                                                                       {"OA", Name::up},
                                                                       {"OB", Name::down},
                                                                       {"[5~", Name::page_up},
                                                                       {"[6~", Name::page_down},
                                                                       {"[H", Name::home},
                                                                       {"[F", Name::end},
                                                                       {"OH", Name::home},
                                                                       {"OF", Name::end},
                                                                       {"[1~", Name::home},
                                                                       {"[4~", Name::end},
                                                                       {"[7~", Name::home},
                                                                       {"[8~", Name::end}}};

// Length of what follows an ESC: "[" parameters letter, or "O" letter; 0 where it is neither.
std::size_t sequence_size(std::string_view text) {
  if (text.size() < 2) return 0;
  if (text[0] == 'O') return 2;
  if (text[0] != '[') return 0;
  std::size_t size = 1;
  while (size < text.size() && (text[size] < '@' || text[size] > '~')) ++size;
  return std::min(size + 1, text.size());
}

std::size_t character_size(std::string_view text) {
  std::size_t size = 1;
  while (size < text.size() && size < 4 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) ++size;
  return size;
}

}  // namespace

std::vector<Key> read_keys(std::string_view bytes) {
  std::vector<Key> keys;
  while (!bytes.empty()) {
    const auto first = static_cast<unsigned char>(bytes[0]);
    std::size_t size = 1;
    if (first == 0x1b) {
      const std::size_t length = sequence_size(bytes.substr(1));
      const std::string_view sequence = bytes.substr(1, length);
      const auto* const known = std::find_if(sequences.begin(), sequences.end(),
                                             [&](const auto& candidate) { return candidate.first == sequence; });
      if (length == 0) keys.push_back({Name::escape});
      if (known != sequences.end()) keys.push_back({known->second});
      size = 1 + length;
    } else if (first == '\r' || first == '\n') {
      keys.push_back({Name::enter});
    } else if (first == 0x7f || first == 0x08) {
      keys.push_back({Name::backspace});
    } else if (first >= 0x20) {
      size = character_size(bytes);
      keys.push_back({Name::text, std::string(bytes.substr(0, size))});
    }
    bytes.remove_prefix(size);
  }
  return keys;
}

}  // namespace subfloor::cli
