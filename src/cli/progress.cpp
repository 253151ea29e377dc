// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/text.h"

namespace subfloor::cli {
namespace {

constexpr Nanoseconds interval = 200'000'000;
constexpr Nanoseconds telling = 500'000'000;  // a speed measured for less tells nothing

}  // namespace

Progress::Progress() : visible_(isatty(STDERR_FILENO) != 0), began_(monotonic_now()), next_(began_ + interval) {}

void Progress::show(std::uint64_t bytes, std::uint64_t total, std::uint64_t calls) {
  if (!visible_) return;
  const Nanoseconds now = monotonic_now();
  if (now < next_) return;
  next_ = now + interval;
  drawn_ = true;
  fmt::print(stderr, "\r\x1b[K{}", text(bytes, total, calls, now - began_));
}

void Progress::clear() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
  drawn_ = false;
}

std::string Progress::text(std::uint64_t bytes, std::uint64_t total, std::uint64_t calls, Nanoseconds elapsed) {
  std::string line = human_size(bytes);
  if (total > 0) line += fmt::format(" of {} ({} %)", human_size(total), bytes * 100 / total);
  line += fmt::format(" · {} call{}", calls, calls == 1 ? "" : "s");
  if (elapsed < telling || bytes == 0) return line;
  const double per_second = static_cast<double>(bytes) * 1e9 / static_cast<double>(elapsed);
  line += fmt::format(" · {}/s", human_size(static_cast<std::uint64_t>(per_second)));
  if (total > bytes) line += fmt::format(" · {:.0f}s left", static_cast<double>(total - bytes) / per_second);
  return line;
}

}  // namespace subfloor::cli
