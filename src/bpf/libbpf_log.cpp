// SPDX-License-Identifier: Apache-2.0
#include "bpf/libbpf_log.h"

#include <bpf/libbpf.h>

#include <cctype>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <utility>

namespace subfloor::bpf {
namespace {

constexpr std::size_t kept = 64 * 1024;
constexpr std::size_t kept_of_refusals = 256 * 1024;

// libbpf's print function takes no context, so what it writes to has to be found without one.
std::mutex captured_mutex;
std::string captured;
std::string refusals;
libbpf_print_fn_t previous = nullptr;

int capture(libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  // A verifier log comes as one message, and its end is what matters.
  va_list again;
  va_copy(again, arguments);
  const int size = std::vsnprintf(nullptr, 0, format, again);
  va_end(again);
  if (size <= 0) return size;
  std::string message(static_cast<std::size_t>(size) + 1, '\0');
  std::vsnprintf(message.data(), message.size(), format, arguments);
  message.pop_back();
  const std::scoped_lock lock(captured_mutex);
  captured += message;
  if (captured.size() > kept) captured.erase(0, captured.size() - kept);
  return size;
}

bool is_noise(std::string_view line) {
  // What libbpf adds around a verifier's log says less than the log.
  for (const std::string_view part :
       {"failed to load", "failed to prepare load attributes", "try raising 'ulimit -l'"}) {
    if (line.starts_with("libbpf: ") && line.find(part) != std::string_view::npos) return true;
  }
  for (const std::string_view start : {"processed ", "verification time", "stack depth", "max_states", "peak_states",
                                       "mark_read", "-- ", "func#", "Live regs", "last_idx", "regs="}) {
    if (line.starts_with(start)) return true;
  }
  // "12: (85) call …", "; source line", "from 3 to 5: …"
  std::size_t digits = 0;
  while (digits < line.size() && std::isdigit(static_cast<unsigned char>(line[digits])) != 0) ++digits;
  if (digits > 0 && line.substr(digits).starts_with(": ")) return true;
  return line.starts_with(";") || line.starts_with("from ");
}

}  // namespace

LibbpfLog::LibbpfLog() {
  previous = libbpf_set_print(capture);
  (void)take();
}

LibbpfLog::~LibbpfLog() { libbpf_set_print(previous); }

std::string LibbpfLog::take() {
  const std::scoped_lock lock(captured_mutex);
  return std::exchange(captured, {});
}

void keep_refusal(std::string_view what, std::string_view log) {
  const std::scoped_lock lock(captured_mutex);
  refusals.append("== ").append(what).append("\n").append(log).append("\n");
  if (refusals.size() > kept_of_refusals) refusals.erase(0, refusals.size() - kept_of_refusals);
}

std::string kept_refusals() {
  const std::scoped_lock lock(captured_mutex);
  return refusals;
}

std::string last_meaningful_line(std::string_view log) {
  while (!log.empty()) {
    const std::size_t at = log.rfind('\n');
    std::string_view line = at == std::string_view::npos ? log : log.substr(at + 1);
    log = at == std::string_view::npos ? std::string_view{} : log.substr(0, at);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
    if (!line.empty() && !is_noise(line)) return std::string(line);
  }
  return {};
}

}  // namespace subfloor::bpf
