// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace subfloor::cli {

Result<std::unique_ptr<Output>> Output::make(int fd, std::size_t queue_bytes, OnEnd on_end) {
  Fd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return fail_errno("eventfd", errno);
  return std::unique_ptr<Output>(new Output(fd, queue_bytes, std::move(on_end), std::move(wake)));
}

Output::Output(int fd, std::size_t queue_bytes, OnEnd on_end, Fd wake)
    : fd_(fd), queue_bytes_(queue_bytes), on_end_(std::move(on_end)), wake_(std::move(wake)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Output::~Output() {
  thread_.request_stop();
  wake();
}

bool Output::write(std::string_view text) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() + writing_ + text.size() > queue_bytes_) {
      ++dropped_;
      return false;
    }
    queue_.append(text);
    if (queue_.size() > text.size()) return true;  // the thread knows already
  }
  wake();
  return true;
}

void Output::finish() {
  {
    const std::lock_guard lock(mutex_);
    finishing_ = true;
  }
  wake();
}

void Output::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
}

void Output::run(const std::stop_token& stop) {
  std::string text;
  std::size_t written = 0;
  while (!stop.stop_requested()) {
    bool finishing = false;
    {
      const std::lock_guard lock(mutex_);
      if (written == text.size()) {
        text.clear();
        written = 0;
        text.swap(queue_);
      }
      writing_ = text.size() - written;
      finishing = finishing_;
    }
    const bool something = written < text.size();
    if (!something && finishing) return on_end_(0);
    int error = wait(something);
    if (error == 0 && something) error = write_some(text, written);
    if (error != 0) return on_end_(error);
  }
}

int Output::wait(bool for_room) {
  std::array<pollfd, 2> fds{{{fd_, static_cast<short>(for_room ? POLLOUT : 0), 0}, {wake_.get(), POLLIN, 0}}};
  if (poll(fds.data(), fds.size(), -1) < 0) return errno == EINTR ? 0 : errno;
  if ((fds[1].revents & POLLIN) != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto n = ::read(wake_.get(), &count, sizeof count);
  }
  if ((fds[0].revents & POLLNVAL) != 0) return EBADF;
  return (fds[0].revents & (POLLERR | POLLHUP)) != 0 ? EPIPE : 0;
}

// At most what a pipe takes at once when it has room at all: so that writing does not block, though the fd, being
// shared with other programs, must not be made non-blocking.
int Output::write_some(const std::string& text, std::size_t& written) const {
  pollfd room{fd_, POLLOUT, 0};
  if (poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0) return 0;
  const ssize_t n = ::write(fd_, text.data() + written, std::min<std::size_t>(text.size() - written, PIPE_BUF));
  if (n < 0) return errno == EINTR || errno == EAGAIN ? 0 : errno;
  written += static_cast<std::size_t>(n);
  return 0;
}

}  // namespace subfloor::cli
