// SPDX-License-Identifier: Apache-2.0
#include "base/reactor.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace subfloor {
namespace {

itimerspec periodic(Nanoseconds period) {
  const timespec spec{static_cast<time_t>(period / 1'000'000'000), static_cast<long>(period % 1'000'000'000)};
  return itimerspec{spec, spec};
}

}  // namespace

Result<std::unique_ptr<Reactor>> Reactor::make() {
  std::unique_ptr<Reactor> reactor(new Reactor);
  reactor->epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  if (!reactor->epoll_) return fail_errno("epoll_create1", errno);
  reactor->wake_ = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!reactor->wake_) return fail_errno("eventfd", errno);
  TRY(reactor->watch(reactor->wake_.get(), EPOLLIN, [r = reactor.get()] { r->drain_posted(); }));
  return reactor;
}

Result<> Reactor::watch(int fd, std::uint32_t events, Task task) {
  epoll_event event{.events = events, .data = {.fd = fd}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("epoll_ctl(ADD)", errno);
  watched_[fd] = std::make_shared<Task>(std::move(task));
  return {};
}

Result<> Reactor::change(int fd, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.fd = fd}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) return fail_errno("epoll_ctl(MOD)", errno);
  return {};
}

void Reactor::remove(int fd) {
  if (watched_.erase(fd) > 0) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

Result<int> Reactor::every(Nanoseconds period, Task task) {
  Fd timer(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer) return fail_errno("timerfd_create", errno);
  const int id = timer.get();
  TRY(watch(id, EPOLLIN, [id, task = std::move(task)] {
    std::uint64_t expirations = 0;
    if (::read(id, &expirations, sizeof expirations) == sizeof expirations) task();
  }));
  timers_[id] = std::move(timer);
  set_period(id, period);
  return id;
}

void Reactor::set_period(int timer, Nanoseconds period) {
  const itimerspec spec = periodic(period);
  timerfd_settime(timer, 0, &spec, nullptr);
}

void Reactor::cancel(int timer) {
  remove(timer);
  timers_.erase(timer);
}

Result<> Reactor::on_signals(const std::vector<int>& signals, std::function<void(int)> task) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr)) return fail_errno("pthread_sigmask", error);
  signals_ = Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return fail_errno("signalfd", errno);
  return watch(signals_.get(), EPOLLIN, [fd = signals_.get(), task = std::move(task)] {
    signalfd_siginfo info{};
    while (::read(fd, &info, sizeof info) == sizeof info) task(static_cast<int>(info.ssi_signo));
  });
}

void Reactor::release_signals(const std::vector<int>& signals) {
  remove(signals_.get());
  signals_ = Fd();
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void Reactor::post(Task task) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(task));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

void Reactor::drain_posted() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof count);
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(posted_mutex_);
    tasks.swap(posted_);
  }
  for (Task& task : tasks) task();
}

void Reactor::run() {
  running_ = true;
  std::array<epoll_event, 64> ready{};
  while (running_) {
    const int count = epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), -1);
    for (int i = 0; i < count && running_; ++i) {
      const auto entry = watched_.find(ready[static_cast<std::size_t>(i)].data.fd);
      if (entry == watched_.end()) continue;  // removed by an earlier task of this round
      const std::shared_ptr<Task> task = entry->second;  // outlives its own removal
      (*task)();
    }
  }
}

void Reactor::stop() {
  post([this] { running_ = false; });
}

}  // namespace subfloor
