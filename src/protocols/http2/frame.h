// SPDX-License-Identifier: Apache-2.0
// Frames of HTTP/2 (RFC 9113, sections 4 and 6) as far as their headers tell. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace subfloor::protocols::http2 {

inline constexpr std::string_view connection_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr std::size_t frame_header_size = 9;

enum class FrameType : std::uint8_t {
  data = 0,
  headers = 1,
  priority = 2,
  rst_stream = 3,
  settings = 4,
  push_promise = 5,
  ping = 6,
  goaway = 7,
  window_update = 8,
  continuation = 9,
  altsvc = 10,
  origin = 12,
  priority_update = 16,
};

inline constexpr std::uint8_t flag_end_stream = 0x1, flag_ack = 0x1, flag_end_headers = 0x4, flag_padded = 0x8,
                              flag_priority = 0x20;

struct Frame {
  std::uint32_t length = 0;  // of the payload
  FrameType type = FrameType::data;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;

  [[nodiscard]] bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};

// Of at least frame_header_size bytes.
[[nodiscard]] Frame parse_frame(std::string_view bytes);

// Whether RFC 9113 lets such a frame be: fixed sizes, a stream or none. Types nobody knows may be anything.
[[nodiscard]] bool is_lawful(const Frame& frame);

// How sure it is that frames begin where `bytes` do, of which `length` passed in one transfer. `ends` (the transfer
// ended with a frame) and what the frames are count: a single header may look right by chance.
enum class Shape : std::uint8_t { none, maybe_with_more, weak, strong };
[[nodiscard]] Shape shape_of(std::string_view bytes, std::uint64_t length);

// Could a server's side begin with `bytes`: with SETTINGS?
[[nodiscard]] Shape shape_of_first_settings(std::string_view bytes);

// "CANCEL" of 8; empty where the number means nothing.
[[nodiscard]] std::string_view error_name(std::uint32_t code);

[[nodiscard]] std::uint32_t read_u32(std::string_view bytes);

}  // namespace subfloor::protocols::http2
