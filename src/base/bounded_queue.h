// SPDX-License-Identifier: Apache-2.0
// A queue between two threads that never grows beyond a weight, and never makes the one that puts in wait.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace subfloor {

template <class T>
class BoundedQueue {
 public:
  // limit: sum of the weights of what waits, in whatever the user weighs by.
  explicit BoundedQueue(std::size_t limit) : limit_(limit) {}

  // Puts item in, and returns what has to go for it: the oldest; item itself where it alone is beyond the limit, or
  // where the queue is closed.
  [[nodiscard]] std::vector<T> push(T item, std::size_t weight) {
    std::vector<T> out;
    {
      const std::lock_guard lock(mutex_);
      if (closed_ || weight > limit_) {
        out.push_back(std::move(item));
        return out;
      }
      while (weight_ + weight > limit_) out.push_back(take_front());
      items_.emplace_back(std::move(item), weight);
      weight_ += weight;
    }
    changed_.notify_one();
    return out;
  }

  // Waits for the oldest item; nothing once the queue is closed and empty.
  [[nodiscard]] std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    return take_front();
  }

  // Nothing more is taken in; what waits can still be popped.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

  [[nodiscard]] std::size_t weight() const {
    const std::lock_guard lock(mutex_);
    return weight_;
  }

 private:
  T take_front() {
    auto [item, weight] = std::move(items_.front());
    items_.pop_front();
    weight_ -= weight;
    return std::move(item);
  }

  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<T, std::size_t>> items_;
  std::size_t weight_ = 0;
  bool closed_ = false;
};

}  // namespace subfloor
