// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <cstdio>
#include <deque>
#include <mutex>

#include "base/clock.h"

namespace subfloor::log {
namespace {

constexpr std::uint64_t interval_ns = 1'000'000'000;

constexpr std::string_view name(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warn: return "warn";
    case Level::error: return "error";
  }
  return "?";
}

void to_stderr(Level, std::string_view line) { std::fwrite(line.data(), 1, line.size(), stderr); }

// As between quotes: a message may hold a path, a line of a file, what a kernel said.
std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      default:
        if (const auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte == 0x7f)
          out += fmt::format("\\x{:02x}", byte);
        else
          out += c;
    }
  }
  return out;
}

constexpr std::size_t kept_lines = 200, kept_of_line = 2000;
std::mutex kept_mutex;
std::deque<std::string> kept;

void keep(std::string line) {
  if (line.size() > kept_of_line) line = line.substr(0, kept_of_line) + "…\n";
  const std::scoped_lock lock(kept_mutex);
  kept.push_back(std::move(line));
  if (kept.size() > kept_lines) kept.pop_front();
}

std::atomic<Level> minimum{Level::info};
std::atomic<Writer> writer{to_stderr};

}  // namespace

void set_level(Level level) { minimum = level; }
bool enabled(Level level) { return level >= minimum.load(std::memory_order_relaxed); }
void set_writer(Writer next) { writer = next != nullptr ? next : to_stderr; }

std::vector<std::string> recent() {
  const std::scoped_lock lock(kept_mutex);
  return {kept.begin(), kept.end()};
}

bool Site::admit(std::uint64_t& left_out) {
  const std::uint64_t now = monotonic_now();
  std::uint64_t last = last_ns_.load(std::memory_order_relaxed);
  if ((last != 0 && now - last < interval_ns) || !last_ns_.compare_exchange_strong(last, now)) {
    left_out_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  left_out = left_out_.exchange(0, std::memory_order_relaxed);
  return true;
}

void write(Level level, std::uint64_t left_out, std::string_view message) {
  std::string line =
      fmt::format("time={} level={} msg=\"{}\"", rfc3339(to_unix(monotonic_now())), name(level), escaped(message));
  if (left_out > 0) line += fmt::format(" left_out={}", left_out);
  line += '\n';
  writer.load()(level, line);
  keep(std::move(line));
}

}  // namespace subfloor::log
