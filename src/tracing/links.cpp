// SPDX-License-Identifier: Apache-2.0
#include "tracing/links.h"

#include <algorithm>

namespace subfloor::tracing {

Send& Sends::push(std::uint32_t position, std::uint32_t end) {
  // Those that were answered are kept until their places are needed: the other end may be heard of later.
  if (count_ == ring_.size() && (count_ < 4 || (count_ < most && !at(0).answered))) {
    std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(first_), ring_.end());
    first_ = 0;
    ring_.resize(std::max<std::size_t>(4, 2 * count_));
  }
  if (count_ == ring_.size()) {
    first_ = (first_ + 1) & (ring_.size() - 1);
    --count_;
  }
  Send& send = at(count_++);
  send = {};
  send.position = position;
  send.end = end;
  return send;
}

Send* Sends::find(std::uint32_t position) {
  for (std::size_t i = count_; i > 0; --i) {
    Send& send = at(i - 1);
    if (static_cast<std::int32_t>(position - send.position) < 0) continue;
    return static_cast<std::int32_t>(position - send.end) < 0 ? &send : nullptr;
  }
  return nullptr;
}

Send* Sends::unanswered() {
  for (std::size_t i = 0; i < count_; ++i)
    if (!at(i).answered) return &at(i);
  return nullptr;
}

}  // namespace subfloor::tracing
