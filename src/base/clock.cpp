// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <fmt/format.h>

#include <atomic>
#include <ctime>

namespace subfloor {
namespace {

constexpr Nanoseconds second = 1'000'000'000;

Nanoseconds read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<Nanoseconds>(now.tv_sec) * second + static_cast<Nanoseconds>(now.tv_nsec);
}

}  // namespace

Nanoseconds monotonic_now() { return read_clock(CLOCK_MONOTONIC); }

Nanoseconds to_unix(Nanoseconds monotonic) {
  static std::atomic<Nanoseconds> offset{0};
  static std::atomic<Nanoseconds> read_at{0};
  const Nanoseconds now = monotonic_now();
  if (offset.load(std::memory_order_relaxed) == 0 || now - read_at.load(std::memory_order_relaxed) > second) {
    offset.store(read_clock(CLOCK_REALTIME) - now, std::memory_order_relaxed);
    read_at.store(now, std::memory_order_relaxed);
  }
  return monotonic + offset.load(std::memory_order_relaxed);
}

Nanoseconds boottime_to_monotonic(Nanoseconds boottime) {
  const Nanoseconds suspended = read_clock(CLOCK_BOOTTIME) - monotonic_now();
  return boottime > suspended ? boottime - suspended : 0;
}

std::string rfc3339(Nanoseconds unix_time) {
  const auto seconds = static_cast<std::time_t>(unix_time / second);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec, unix_time % second);
}

}  // namespace subfloor
