// SPDX-License-Identifier: Apache-2.0
// Structured log lines on standard error, at most one a second per call site (with a count of those left out).
// error: someone must act. warn: something is degraded. info: a change of state. debug: for developers.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace subfloor::log {

enum class Level : std::uint8_t { debug, info, warn, error };

void set_level(Level level);
[[nodiscard]] bool enabled(Level level);

// Where lines go: standard error, which is what null says too, unless somebody says otherwise.
using Writer = void (*)(Level, std::string_view line);
void set_writer(Writer writer);

// One per call site, made by the macros below.
class Site {
 public:
  // True when a line may be written now; left_out receives how many were not since the last.
  [[nodiscard]] bool admit(std::uint64_t& left_out);

 private:
  std::atomic<std::uint64_t> last_ns_{0};
  std::atomic<std::uint64_t> left_out_{0};
};

// The last lines written, oldest first, each with its end: for whom standard error has gone elsewhere.
[[nodiscard]] std::vector<std::string> recent();

void write(Level level, std::uint64_t left_out, std::string_view message);

}  // namespace subfloor::log

#define SUBFLOOR_LOG(level, ...)                                               \
  do {                                                                         \
    static ::subfloor::log::Site log_site;                                     \
    std::uint64_t log_left_out = 0;                                            \
    if (::subfloor::log::enabled(level) && log_site.admit(log_left_out))       \
      ::subfloor::log::write(level, log_left_out, ::fmt::format(__VA_ARGS__)); \
  } while (false)

// LOG_INFO("loaded {} programs", n)
#define LOG_DEBUG(...) SUBFLOOR_LOG(::subfloor::log::Level::debug, __VA_ARGS__)
#define LOG_INFO(...) SUBFLOOR_LOG(::subfloor::log::Level::info, __VA_ARGS__)
#define LOG_WARN(...) SUBFLOOR_LOG(::subfloor::log::Level::warn, __VA_ARGS__)
#define LOG_ERROR(...) SUBFLOOR_LOG(::subfloor::log::Level::error, __VA_ARGS__)
