// SPDX-License-Identifier: Apache-2.0
#include "protocols/http1/body.h"

#include <algorithm>
#include <cstring>

namespace subfloor::protocols::http1 {
namespace {

constexpr std::uint32_t overhead_limit = 16 * 1024;  // bytes of one chunk header, and of all trailers
constexpr std::uint8_t digit_limit = 15;             // hex digits of a chunk size: fits 63 bits
constexpr std::uint64_t endless = std::uint64_t{1} << 30;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Framing request_framing(const Head& head) {
  if (head.bad_framing || (head.transfer_encoding && !head.chunked)) return {BodyKind::none, 0, false};
  if (head.chunked) return {BodyKind::chunked};
  if (head.content_length) return {BodyKind::length, *head.content_length};
  return {};
}

Framing response_framing(const Head& head, std::string_view request_method) {
  const int status = head.start.status;
  if (request_method == "HEAD" || status < 200 || status == 204 || status == 304) return {};
  if (request_method == "CONNECT" && status < 300) return {};
  if (head.chunked) return {BodyKind::chunked};
  if (head.transfer_encoding) return {BodyKind::until_close};
  if (head.bad_framing) return {BodyKind::none, 0, false};
  if (head.content_length) return {BodyKind::length, *head.content_length};
  return {BodyKind::until_close};
}

Body::Progress Body::start(const Framing& framing) {
  *this = Body{};
  kind_ = framing.kind;
  remaining_ = framing.length;
  const bool empty = kind_ == BodyKind::none || (kind_ == BodyKind::length && remaining_ == 0);
  return empty ? Progress::done : Progress::going;
}

std::uint64_t Body::take_data(std::uint64_t available) {
  const std::uint64_t n = std::min(available, remaining_);
  remaining_ -= n;
  received_ += n;
  return n;
}

Body::Progress Body::take(std::string_view& bytes) {
  switch (kind_) {
    case BodyKind::none: return Progress::done;
    case BodyKind::length:
      bytes.remove_prefix(take_data(bytes.size()));
      return remaining_ == 0 ? Progress::done : Progress::going;
    case BodyKind::until_close:
      received_ += bytes.size();
      bytes = {};
      return Progress::going;
    case BodyKind::chunked: return take_chunked(bytes);
  }
  return Progress::bad;
}

Body::Progress Body::pass(std::uint64_t& count) {
  if (count == 0) return Progress::going;
  switch (kind_) {
    case BodyKind::none: return Progress::done;
    case BodyKind::length: count -= take_data(count); return remaining_ == 0 ? Progress::done : Progress::going;
    case BodyKind::until_close:
      received_ += count;
      count = 0;
      return Progress::going;
    case BodyKind::chunked:
      if (chunk_ != Chunk::data) return Progress::lost;
      count -= take_data(count);
      if (remaining_ == 0) chunk_ = Chunk::data_cr;
      return count == 0 ? Progress::going : Progress::lost;
  }
  return Progress::bad;
}

Body::Progress Body::take_chunked(std::string_view& bytes) {
  while (!bytes.empty()) {
    if (chunk_ == Chunk::data) {
      bytes.remove_prefix(take_data(bytes.size()));
      if (remaining_ == 0) chunk_ = Chunk::data_cr;
      continue;
    }
    if (chunk_ == Chunk::extension || chunk_ == Chunk::trailer) {  // nothing of interest before the line's end
      const void* lf = std::memchr(bytes.data(), '\n', bytes.size());
      const std::size_t n = lf ? static_cast<std::size_t>(static_cast<const char*>(lf) - bytes.data()) : bytes.size();
      if (n > overhead_limit - overhead_) return Progress::bad;
      overhead_ += static_cast<std::uint32_t>(n);
      bytes.remove_prefix(n);
      if (!lf) return Progress::going;
    }
    const char c = bytes.front();
    bytes.remove_prefix(1);
    const Progress progress = take_framing_char(c);
    if (progress != Progress::going) return progress;
  }
  return Progress::going;
}

Body::Progress Body::take_framing_char(char c) {
  if (++overhead_ > overhead_limit) return Progress::bad;
  switch (chunk_) {
    case Chunk::size: return take_size_char(c);
    case Chunk::extension: return end_size_line();
    case Chunk::data_cr:
    case Chunk::data_lf:
      if (c == '\r' && chunk_ == Chunk::data_cr) {
        chunk_ = Chunk::data_lf;
        return Progress::going;
      }
      chunk_ = Chunk::size;
      overhead_ = digits_ = 0;
      return c == '\n' ? Progress::going : Progress::bad;
    case Chunk::trailer_start:
      if (c == '\n') return Progress::done;
      chunk_ = c == '\r' ? Chunk::last_lf : Chunk::trailer;
      return Progress::going;
    case Chunk::trailer: chunk_ = Chunk::trailer_start; return Progress::going;
    case Chunk::last_lf: return c == '\n' ? Progress::done : Progress::bad;
    case Chunk::data: break;
  }
  return Progress::bad;
}

Body::Progress Body::take_size_char(char c) {
  const int value = hex_value(c);
  if (value >= 0) {
    if (++digits_ > digit_limit) return Progress::bad;
    remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(value);
    return Progress::going;
  }
  if (digits_ == 0) return Progress::bad;
  if (c == '\n') return end_size_line();
  if (c != ';' && c != '\r' && c != ' ' && c != '\t') return Progress::bad;
  chunk_ = Chunk::extension;
  return Progress::going;
}

Body::Progress Body::end_size_line() {
  chunk_ = remaining_ == 0 ? Chunk::trailer_start : Chunk::data;
  overhead_ = 0;
  return Progress::going;
}

std::uint64_t Body::skippable() const {
  switch (kind_) {
    case BodyKind::none: return 0;
    case BodyKind::length: return remaining_;
    case BodyKind::until_close: return endless;
    case BodyKind::chunked: return chunk_ == Chunk::data ? remaining_ : 0;
  }
  return 0;
}

}  // namespace subfloor::protocols::http1
