// SPDX-License-Identifier: Apache-2.0
// Output: standard output for a live view. A thread writes, so that a slow reader never holds up the capture; what does
// not fit the queue is dropped, and counted.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/fd.h"
#include "base/result.h"

namespace subfloor::cli {

class Output {
 public:
  // on_end is called once, from the writing thread: with 0 when all is written after finish(), else with the errno of a
  // write that failed (EPIPE: nobody reads any more, which is noticed even while nothing is written).
  using OnEnd = std::function<void(int error)>;

  // fd stays the caller's; queue_bytes is how much may wait.
  [[nodiscard]] static Result<std::unique_ptr<Output>> make(int fd, std::size_t queue_bytes, OnEnd on_end);
  // Abandons what is not written yet.
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // False: dropped, there being no room.
  bool write(std::string_view text);
  // No more will be written; on_end follows.
  void finish();

  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  Output(int fd, std::size_t queue_bytes, OnEnd on_end, Fd wake);
  void run(const std::stop_token& stop);
  void wake();
  // Waits for room at the fd, or for news of the queue. The errno of an fd that is gone, else 0.
  [[nodiscard]] int wait(bool for_room);
  [[nodiscard]] int write_some(const std::string& text, std::size_t& written) const;

  int fd_;
  std::size_t queue_bytes_;
  OnEnd on_end_;
  Fd wake_;
  std::mutex mutex_;
  std::string queue_;  // guarded by mutex_
  std::size_t writing_ = 0;  // bytes the thread has taken and not written, guarded by mutex_
  bool finishing_ = false;  // guarded by mutex_
  std::uint64_t dropped_ = 0;  // the writer's own
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace subfloor::cli
