// SPDX-License-Identifier: Apache-2.0
#include "protocols/mysql/packets.h"

#include <algorithm>

namespace subfloor::protocols::mysql {

void Packets::reset() {
  state_ = State::header;
  continues_ = false;
  header_size_ = 0;
  remaining_ = 0;
  head_ = {};
  wipe(buffer_);
}

void Packets::begin_packet() {
  const std::uint8_t before = sequence_;
  length_ = remaining_ = header_[0] | std::uint32_t{header_[1]} << 8 | std::uint32_t{header_[2]} << 16;
  sequence_ = header_[3];
  header_size_ = 0;
  if (continues_) {
    in_order_ = !strict_ || sequence_ == static_cast<std::uint8_t>(before + 1);
    state_ = State::rest;
    return;
  }
  in_order_ = true;
  first_length_ = length_;
  payload_ = 0;
  wipe(buffer_);
  state_ = State::head;
}

Packets::Step Packets::give_head(std::string_view head) {
  head_ = head;
  state_ = State::rest;
  return Step::head;
}

Packets::Step Packets::finish_packet() {
  wipe(buffer_);
  head_ = {};
  continues_ = length_ == longest_packet;
  state_ = State::header;
  return continues_ ? Step::more : Step::end;
}

Packets::Step Packets::take(std::string_view& bytes) {
  while (true) {
    switch (state_) {
      case State::header: {
        while (header_size_ < packet_header && !bytes.empty()) {
          header_[header_size_++] = static_cast<std::uint8_t>(bytes.front());
          bytes.remove_prefix(1);
        }
        if (header_size_ < packet_header) return Step::more;
        begin_packet();
        if (!in_order_) return Step::wrong;
        break;
      }
      case State::head: {
        const std::size_t goal = std::min<std::size_t>(wanted_, length_);
        const std::size_t n = std::min(goal - buffer_.size(), bytes.size());
        const std::string_view piece = bytes.substr(0, n);
        const bool whole = n == goal;
        if (!whole) buffer_.append(piece);
        bytes.remove_prefix(n);
        remaining_ -= static_cast<std::uint32_t>(n);
        payload_ += n;
        if (whole) return give_head(piece);
        if (buffer_.size() < goal) return Step::more;
        return give_head(buffer_);
      }
      case State::rest: {
        const std::size_t n = std::min<std::size_t>(remaining_, bytes.size());
        bytes.remove_prefix(n);
        remaining_ -= static_cast<std::uint32_t>(n);
        payload_ += n;
        if (remaining_ > 0) return Step::more;
        if (finish_packet() == Step::end) return Step::end;
        break;
      }
    }
  }
}

Packets::Step Packets::pass(std::uint64_t& count) {
  if (state_ == State::header) return Step::more;
  if (state_ == State::head) return give_head(buffer_);
  const std::uint64_t n = std::min<std::uint64_t>(remaining_, count);
  count -= n;
  remaining_ -= static_cast<std::uint32_t>(n);
  payload_ += n;
  return remaining_ > 0 ? Step::more : finish_packet();
}

}  // namespace subfloor::protocols::mysql
