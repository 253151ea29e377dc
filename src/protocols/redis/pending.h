// SPDX-License-Identifier: Apache-2.0
// Commands that wait for their replies, in order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "protocols/redis/commands.h"

namespace subfloor::protocols::redis {

inline constexpr std::size_t outstanding_limit = 4096;

struct Pending {
  const Command* command = nullptr;
  Nanoseconds start = 0, request_end = 0;
  std::uint64_t size = 0;  // bytes of the command
  std::int64_t database = -1;  // that SELECT asked for
  std::uint32_t pid = 0, tid = 0;
  std::uint32_t position = 0;  // of its first byte
  std::uint32_t replies = 1;  // that are still to come
  std::uint32_t keys = 0;  // 0: none, or not known
  bool unsure = false;     // whose reply it will get is not certain
};

// A ring that grows as needed and, once empty, keeps a small one.
class PendingRing {
 public:
  explicit PendingRing(bool keeps_keys) : keeps_keys_(keeps_keys) {}

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] Pending& front() { return ring_[first_]; }
  [[nodiscard]] std::string_view front_key() const { return keeps_keys_ ? keys_[first_] : std::string_view(); }

  Pending& push(std::string_view key) {
    if (count_ == ring_.size()) grow();
    const std::size_t place = (first_ + count_++) & (ring_.size() - 1);
    if (keeps_keys_) keys_[place].assign(key);
    return ring_[place];
  }

  void pop() {
    first_ = (first_ + 1) & (ring_.size() - 1);
    --count_;
  }

  void shrink() {
    if (count_ != 0 || ring_.size() <= kept) return;
    std::vector<Pending>().swap(ring_);
    std::vector<std::string>().swap(keys_);
    first_ = 0;
  }

 private:
  static constexpr std::size_t kept = 32;

  void grow() {
    const std::size_t size = std::max<std::size_t>(4, ring_.size() * 2);
    std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(first_), ring_.end());
    std::rotate(keys_.begin(), keys_.begin() + static_cast<std::ptrdiff_t>(keeps_keys_ ? first_ : 0), keys_.end());
    ring_.resize(size);
    if (keeps_keys_) keys_.resize(size);
    first_ = 0;
  }

  bool keeps_keys_;
  std::vector<Pending> ring_;  // its size is a power of two, or 0
  std::vector<std::string> keys_;  // beside it
  std::size_t first_ = 0, count_ = 0;
};

}  // namespace subfloor::protocols::redis
