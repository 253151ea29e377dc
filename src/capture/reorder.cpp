// SPDX-License-Identifier: Apache-2.0
#include "capture/reorder.h"

#include <algorithm>
#include <utility>

namespace subfloor::capture {

void ReorderBuffer::begin_at(std::uint32_t position) {
  // Two turns of the sequence numbers above nothing, so that what lies behind is no negative number.
  next_ = (std::uint64_t{2} << 32U) + position;
}

ReorderBuffer::Verdict ReorderBuffer::offer(Piece& piece) {
  const std::int64_t distance = ahead(piece.position);
  if (distance < 0) {
    const auto behind = static_cast<std::uint64_t>(-distance);
    if (behind >= piece.content.length) return Verdict::seen_before;
    piece.content.skip(behind);
    piece.position += static_cast<std::uint32_t>(behind);
  }
  const std::uint64_t begin = next_ + static_cast<std::uint64_t>(std::max<std::int64_t>(distance, 0));
  const bool in_the_way = !held_.empty() && held_.begin()->first < begin + piece.content.length;
  if (distance <= 0 && !in_the_way) return Verdict::next;
  return hold(begin, piece) ? Verdict::held : Verdict::seen_before;
}

// Keeps what lies between the pieces that are held already.
bool ReorderBuffer::hold(std::uint64_t begin, const Piece& piece) {
  const std::uint64_t end = begin + piece.content.length;
  std::uint64_t at = begin;
  bool any = false;
  const auto keep = [&](std::uint64_t until) {
    if (at >= until) return;
    Slice part = piece.content;
    part.skip(at - begin);
    part.trim(until - at);
    insert(at, piece.time, part);
    any = true;
  };
  auto other = held_.upper_bound(begin);
  if (other != held_.begin()) --other;
  while (other != held_.end() && other->first < end && at < end) {
    keep(std::min(other->first, end));
    at = std::max(at, other->first + other->second.length);
    ++other;
  }
  keep(end);
  return any;
}

void ReorderBuffer::insert(std::uint64_t begin, Nanoseconds time, Slice content) {
  Held& held = held_[begin];
  held = {time, content.length, std::string(content.bytes)};
  bytes_ += cost(held);
}

std::optional<ReorderBuffer::Piece> ReorderBuffer::pop() {
  if (held_.empty() || held_.begin()->first != next_) return std::nullopt;
  bytes_ -= cost(held_.begin()->second);
  popped_ = std::move(held_.begin()->second);
  held_.erase(held_.begin());
  return Piece{next(), popped_.time, {popped_.bytes, popped_.length}};
}

std::optional<std::uint64_t> ReorderBuffer::missing() const {
  if (held_.empty()) return std::nullopt;
  return held_.begin()->first - next_;
}

}  // namespace subfloor::capture
