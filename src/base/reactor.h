// SPDX-License-Identifier: Apache-2.0
// Reactor: one thread, one epoll. Everything that is not a library's own thread runs in it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace subfloor {

class Reactor {
 public:
  using Task = std::function<void()>;

  [[nodiscard]] static Result<std::unique_ptr<Reactor>> make();

  // Calls task whenever fd is ready for any of events (EPOLLIN, EPOLLOUT …). fd stays the caller's and must
  // be removed before it is closed.
  [[nodiscard]] Result<> watch(int fd, std::uint32_t events, Task task);
  [[nodiscard]] Result<> change(int fd, std::uint32_t events);
  void remove(int fd);

  // Calls task every period, never while that is 0; change it with set_period. The returned number names the timer.
  [[nodiscard]] Result<int> every(Nanoseconds period, Task task);
  void set_period(int timer, Nanoseconds period);
  void cancel(int timer);

  // Calls task with each of the signals instead of its default action. Blocks them for threads made later.
  [[nodiscard]] Result<> on_signals(const std::vector<int>& signals, std::function<void(int)> task);

  // Of the signals of on_signals, gives these their default actions back; the others are not listened to any more.
  void release_signals(const std::vector<int>& signals);

  // Runs task in the reactor's thread soon. The only member that other threads may call, besides stop().
  void post(Task task);
  // Runs what was posted and waits: for an owner that will not call run() again.
  void run_posted() { drain_posted(); }

  // Serves until stop(). Tasks may stop it themselves.
  void run();
  void stop();

 private:
  Reactor() = default;
  void drain_posted();

  Fd epoll_;
  Fd wake_;
  Fd signals_;
  std::map<int, std::shared_ptr<Task>> watched_;
  std::map<int, Fd> timers_;
  std::mutex posted_mutex_;
  std::vector<Task> posted_;
  bool running_ = false;
};

}  // namespace subfloor
