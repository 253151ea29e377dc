// SPDX-License-Identifier: Apache-2.0
#include "protocols/http2/frame.h"

#include <array>

namespace subfloor::protocols::http2 {
namespace {

constexpr std::uint32_t usual_frame_limit = 16384;  // SETTINGS_MAX_FRAME_SIZE unless a peer asked for more
constexpr int strong_frames = 3;

std::uint8_t byte(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

std::uint8_t known_flags(FrameType type) {
  switch (type) {
    case FrameType::data: return flag_end_stream | flag_padded;
    case FrameType::headers: return flag_end_stream | flag_end_headers | flag_padded | flag_priority;
    case FrameType::settings:
    case FrameType::ping: return flag_ack;
    case FrameType::push_promise: return flag_end_headers | flag_padded;
    case FrameType::continuation: return flag_end_headers;
    default: return 0;
  }
}

// Identifiers and values that SETTINGS may carry (RFC 9113 6.5.2, RFC 8441, RFC 9218), or what peers send to keep
// others from choking on new ones.
bool is_setting(std::uint32_t id, std::uint32_t value) {
  switch (id) {
    case 1:
    case 3:
    case 6: return true;
    case 2:
    case 8:
    case 9: return value <= 1;
    case 4: return value <= 0x7fffffff;
    case 5: return value >= 16384 && value <= 0xffffff;
    default: return (id & 0x0f0f) == 0x0a0a || id >= 0xf000 || id == 16;
  }
}

// The settings of a frame, as far as they are there.
bool are_settings(std::string_view payload) {
  for (; payload.size() >= 6; payload.remove_prefix(6)) {
    const auto id = static_cast<std::uint32_t>(byte(payload, 0) << 8 | byte(payload, 1));
    if (!is_setting(id, read_u32(payload.substr(2)))) return false;
  }
  return true;
}

// A block does not begin with the index that means nothing. Where padding or priority come first, any byte may stand.
bool begins_block(const Frame& frame, std::string_view payload) {
  return frame.has(flag_padded | flag_priority) || payload.empty() || byte(payload, 0) != 0x80;
}

bool is_known(FrameType type) {
  return type <= FrameType::altsvc || type == FrameType::origin || type == FrameType::priority_update;
}

// As strict as a guess has to be: what every implementation in use sends.
bool is_likely(const Frame& frame, std::string_view payload) {
  if (!is_known(frame.type) || !is_lawful(frame) || (frame.flags & ~known_flags(frame.type)) != 0) return false;
  switch (frame.type) {
    case FrameType::data:
    case FrameType::continuation: return frame.length <= usual_frame_limit && frame.stream % 2 == 1;
    case FrameType::headers:
      return frame.length > 0 && frame.length <= usual_frame_limit && frame.stream % 2 == 1 &&
             begins_block(frame, payload);
    case FrameType::settings: return frame.length <= 20 * 6 && are_settings(payload);
    case FrameType::window_update: return payload.size() < 4 || (byte(payload, 0) < 0x80 && read_u32(payload) != 0);
    case FrameType::rst_stream: return payload.size() < 4 || !error_name(read_u32(payload)).empty();
    case FrameType::goaway: return frame.length <= 1024;
    default: return frame.length <= usual_frame_limit;
  }
}

}  // namespace

std::uint32_t read_u32(std::string_view bytes) {
  return static_cast<std::uint32_t>(byte(bytes, 0)) << 24 | static_cast<std::uint32_t>(byte(bytes, 1)) << 16 |
         static_cast<std::uint32_t>(byte(bytes, 2)) << 8 | byte(bytes, 3);
}

Frame parse_frame(std::string_view bytes) {
  return {read_u32(bytes) >> 8, static_cast<FrameType>(byte(bytes, 3)), byte(bytes, 4),
          read_u32(bytes.substr(5)) & 0x7fffffff};
}

bool is_lawful(const Frame& frame) {
  const bool on_stream = frame.stream != 0;
  switch (frame.type) {
    case FrameType::data:
    case FrameType::headers: {
      const std::uint32_t least =
          (frame.has(flag_padded) ? 1 : 0) + (frame.type == FrameType::headers && frame.has(flag_priority) ? 5 : 0);
      return on_stream && frame.length >= least;
    }
    case FrameType::push_promise: return on_stream && frame.length >= 4;
    case FrameType::continuation: return on_stream;
    case FrameType::priority: return on_stream && frame.length == 5;
    case FrameType::rst_stream: return on_stream && frame.length == 4;
    case FrameType::settings: return !on_stream && frame.length % 6 == 0 && (!frame.has(flag_ack) || frame.length == 0);
    case FrameType::ping: return !on_stream && frame.length == 8;
    case FrameType::goaway: return !on_stream && frame.length >= 8;
    case FrameType::window_update: return frame.length == 4;
    default: return true;
  }
}

Shape shape_of(std::string_view bytes, std::uint64_t length) {
  if (bytes.size() < frame_header_size) return length > bytes.size() ? Shape::none : Shape::maybe_with_more;
  int telling = 0, frames = 0;
  while (bytes.size() >= frame_header_size) {
    const Frame frame = parse_frame(bytes);
    const std::uint64_t size = frame_header_size + std::uint64_t{frame.length};
    if (!is_likely(frame, bytes.substr(frame_header_size, frame.length))) return Shape::none;
    ++frames;
    if (frame.type != FrameType::data) ++telling;  // of DATA eight header bits say nothing; of most others many do
    if (size >= length) {
      if (size > length) return frames > 1 && telling > 0 ? Shape::weak : Shape::none;
      if (telling > 1 || frames >= strong_frames) return Shape::strong;
      return telling > 0 ? Shape::strong : Shape::weak;
    }
    if (size > bytes.size()) return frames > 1 && telling > 0 ? Shape::weak : Shape::none;
    bytes.remove_prefix(size);
    length -= size;
  }
  if (telling > 1 || frames >= strong_frames) return Shape::strong;
  return frames > 1 ? Shape::weak : Shape::none;
}

Shape shape_of_first_settings(std::string_view bytes) {
  constexpr std::string_view likely_start("\0\0", 2);
  if (bytes.size() < frame_header_size) {
    return likely_start.starts_with(bytes.substr(0, 2)) ? Shape::maybe_with_more : Shape::none;
  }
  const Frame frame = parse_frame(bytes);
  const std::string_view payload = bytes.substr(frame_header_size, frame.length);
  if (frame.type != FrameType::settings || frame.flags != 0 || !is_likely(frame, payload)) return Shape::none;
  return frame.length > 0 && payload.size() < 6 ? Shape::maybe_with_more : Shape::strong;
}

std::string_view error_name(std::uint32_t code) {
  static constexpr std::array<std::string_view, 14> names{"NO_ERROR",
                                                          "PROTOCOL_ERROR",
                                                          "INTERNAL_ERROR",
                                                          "FLOW_CONTROL_ERROR",
                                                          "SETTINGS_TIMEOUT",
                                                          "STREAM_CLOSED",
                                                          "FRAME_SIZE_ERROR",
                                                          "REFUSED_STREAM",
                                                          "CANCEL",
                                                          "COMPRESSION_ERROR",
                                                          "CONNECT_ERROR",
                                                          "ENHANCE_YOUR_CALM",
                                                          "INADEQUATE_SECURITY",
                                                          "HTTP_1_1_REQUIRED"};
  return code < names.size() ? names[code] : std::string_view();
}

}  // namespace subfloor::protocols::http2
