// SPDX-License-Identifier: Apache-2.0
#include "exporters/json/line_writer.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"

namespace subfloor::json {
namespace {

constexpr std::size_t write_at = std::size_t{32} << 10;

bool writable_within(int fd, int milliseconds) {
  pollfd ready{fd, POLLOUT, 0};
  return ::poll(&ready, 1, milliseconds) == 1 && (ready.revents & (POLLOUT | POLLERR | POLLHUP | POLLNVAL)) != 0;
}

}  // namespace

Result<std::unique_ptr<LineWriter>> LineWriter::make(const std::string& path, std::string what,
                                                     std::size_t buffer_limit) {
  Fd owned;
  int fd = STDOUT_FILENO;
  if (path != "-") {
    // O_NONBLOCK: opening a pipe without a reader fails instead of waiting; it means nothing to a file.
    owned = Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600));
    if (!owned) return fail_errno("open " + path + " for " + what, errno);
    fd = owned.get();
  }
  return std::unique_ptr<LineWriter>(new LineWriter(std::move(owned), fd, std::move(what), buffer_limit));
}

LineWriter::LineWriter(Fd owned, int fd, std::string what, std::size_t buffer_limit)
    : owned_(std::move(owned)), fd_(fd), what_(std::move(what)), buffer_limit_(buffer_limit) {}

LineWriter::~LineWriter() { flush(); }

void LineWriter::add(const Append& append) {
  const std::size_t before = buffer_.size();
  append(buffer_);
  buffer_ += '\n';
  if (buffer_.size() - written_ > buffer_limit_) {
    buffer_.resize(before);
    ++counters_.dropped;
    return;
  }
  ++counters_.written;
  if (buffer_.size() - written_ >= write_at) flush();
}

void LineWriter::finish(Nanoseconds deadline) {
  const std::uint64_t errors = counters_.errors;
  while (!flush() && counters_.errors == errors) {
    const Nanoseconds now = monotonic_now();
    const Nanoseconds left = deadline > now ? deadline - now : 0;
    if (left == 0 || !writable_within(fd_, static_cast<int>(left / 1'000'000) + 1)) break;
  }
  if (buffer_.empty() || counters_.errors != errors) return;
  LOG_WARN("{}: the reader did not take the last {} bytes in time", what_, buffer_.size() - written_);
  drop_whole_lines();
}

bool LineWriter::flush() {
  // A pipe that poll calls writable takes PIPE_BUF bytes without blocking, even where it is not non-blocking, as
  // standard output must stay for the sake of those it is shared with.
  while (written_ < buffer_.size() && writable_within(fd_, 0)) {
    const std::size_t size = std::min<std::size_t>(buffer_.size() - written_, PIPE_BUF);
    const ssize_t n = ::write(fd_, buffer_.data() + written_, size);
    if (n >= 0) {
      written_ += static_cast<std::size_t>(n);
      if (written_ != 0) last_written_ = buffer_[written_ - 1];
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      ++counters_.errors;
      LOG_WARN("{} are not being written: {}", what_, errno_text(errno));
      drop_whole_lines();
      return false;
    }
  }
  if (written_ == buffer_.size()) {
    buffer_.clear();
    written_ = 0;
    return true;
  }
  if (written_ > buffer_limit_ / 2) {
    buffer_.erase(0, written_);
    written_ = 0;
  }
  return false;
}

// After a failed write (disk full, reader gone): what waits is lost, but a line half written is still to be ended.
void LineWriter::drop_whole_lines() {
  const std::size_t line_end = last_written_ != '\n' ? buffer_.find('\n', written_) + 1 : written_;
  const auto lines = static_cast<std::uint64_t>(
      std::count(buffer_.begin() + static_cast<std::ptrdiff_t>(line_end), buffer_.end(), '\n'));
  counters_.dropped += lines;
  counters_.written -= lines;
  buffer_ = buffer_.substr(written_, line_end - written_);
  written_ = 0;
}

}  // namespace subfloor::json
