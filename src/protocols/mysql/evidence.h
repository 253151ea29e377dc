// SPDX-License-Identifier: Apache-2.0
// What the beginning of a segment looks like, where nothing else is known of the stream.
#pragma once

#include <cstdint>
#include <string_view>

namespace subfloor::protocols::mysql {

enum class Evidence : std::uint8_t {
  none,
  short_of_bytes,   // what there is would fit
  weak_command,     // a packet that may be a command, or an answer: other protocols have such bytes as well
  weak_answer,
  command,          // hardly anything else
  answer,
  greeting,         // the server's first packet
  refusal,          // the same, where it does not want the client
};

// `bytes` are the first of a segment, at least 64 of them where there are so many.
[[nodiscard]] Evidence look_at_opening(std::string_view bytes);  // of a connection
// The same of a first payload without its header: the first 60 bytes of it, where there are so many.
[[nodiscard]] Evidence look_at_first_payload(std::string_view payload, std::uint64_t length);
[[nodiscard]] Evidence look_at_middle(std::string_view bytes);

}  // namespace subfloor::protocols::mysql
