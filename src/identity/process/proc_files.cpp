// SPDX-License-Identifier: Apache-2.0
#include "identity/process/proc_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>

#include "base/fd.h"
#include "base/secret.h"
#include "identity/process/container_id.h"
#include "identity/process/declared_service.h"

namespace subfloor::identity {
namespace {

constexpr std::size_t stat_limit = 4096, status_limit = 16384, cgroup_limit = 65536, environ_limit = 131072;
constexpr std::string_view deleted = " (deleted)";

Nanoseconds tick() {
  static const auto length = static_cast<Nanoseconds>(1'000'000'000 / std::max(1L, sysconf(_SC_CLK_TCK)));
  return length;
}

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Takes the text up to the separator, and the separator, off the front.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return taken;
}

struct CgroupLine {
  std::string_view controllers, path;
};

// "4:memory:/x"
CgroupLine cgroup_line(std::string_view line) {
  take(line, ':');
  const std::string_view controllers = take(line, ':');
  return {controllers, line};
}

// The order in which the kernel side looks, too: the v2 cgroup first, and v1 where that is only the root.
int rank(const CgroupLine& line) {
  static constexpr std::array<std::string_view, 5> order = {"", "pids", "memory", "cpu", "cpu,cpuacct"};
  if (line.path.size() < 2) return -1;
  const auto at = std::ranges::find(order, line.controllers);
  return at == order.end() ? 0 : static_cast<int>(order.end() - at);
}

template <class Text>
std::optional<Text> read_as(const std::string& path, std::size_t limit) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return std::nullopt;
  Text content;
  while (content.size() < limit) {
    const std::size_t at = content.size();
    content.resize(std::min(limit, at + std::max<std::size_t>(4096, at)));
    const ssize_t n = ::read(file.get(), content.data() + at, content.size() - at);
    if (n < 0 && errno != EINTR) return std::nullopt;
    content.resize(at + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n == 0) break;
  }
  return content;
}

}  // namespace

std::optional<std::string> read_bounded(const std::string& path, std::size_t limit) {
  return read_as<std::string>(path, limit);
}

bool same_start(Nanoseconds a, Nanoseconds b) { return (a > b ? a - b : b - a) <= tick(); }

std::string ProcFiles::path(std::uint32_t pid, std::string_view file) const {
  return root_ + "/" + std::to_string(pid) + "/" + std::string(file);
}

std::optional<Process> ProcFiles::read(std::uint32_t pid) const {
  Process process;
  process.pid = pid;
  if (!read_stat(process)) return std::nullopt;
  read_uid(process);
  read_executable(process);
  read_arguments(process);
  read_cgroup(process);
  return process;
}

std::vector<std::uint32_t> ProcFiles::pids() const {
  const auto close = [](DIR* directory) { ::closedir(directory); };
  const std::unique_ptr<DIR, decltype(close)> directory(::opendir(root_.c_str()), close);
  std::vector<std::uint32_t> found;
  while (const dirent* entry = directory ? ::readdir(directory.get()) : nullptr) {
    if (const auto pid = number<std::uint32_t>(entry->d_name)) found.push_back(*pid);
  }
  std::ranges::sort(found);
  return found;
}

// "42 (comm may hold ) and blanks) S 1 …": everything else comes after the last parenthesis.
bool ProcFiles::read_stat(Process& process) const {
  const auto content = read_bounded(path(process.pid, "stat"), stat_limit);
  if (!content) return false;
  const std::size_t open = content->find('('), close = content->rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return false;
  std::string_view rest = std::string_view(*content).substr(close + 1);
  if (rest.starts_with(' ')) rest.remove_prefix(1);

  std::string_view parent, start;
  for (int field = 3; field <= 22; ++field) {
    const std::string_view value = take(rest, ' ');
    if (field == 4) parent = value;
    if (field == 22) start = value;
  }
  const auto ticks = number<std::uint64_t>(start);
  if (!ticks) return false;
  process.comm = content->substr(open + 1, close - open - 1);
  process.parent_pid = number<std::uint32_t>(parent).value_or(0);
  process.start_time = *ticks * tick();
  return true;
}

void ProcFiles::read_uid(Process& process) const {
  const auto content = read_bounded(path(process.pid, "status"), status_limit);
  std::string_view rest = content ? std::string_view(*content) : std::string_view{};
  while (!rest.empty()) {
    std::string_view line = take(rest, '\n');
    if (!line.starts_with("Uid:\t")) continue;
    line.remove_prefix(5);
    const auto uid = number<std::uint32_t>(take(line, '\t'));
    process.uid_known = uid.has_value();
    process.uid = uid.value_or(0);
    return;
  }
}

void ProcFiles::read_executable(Process& process) const {
  std::array<char, PATH_MAX> target;
  const ssize_t n = ::readlink(path(process.pid, "exe").c_str(), target.data(), target.size());
  if (n <= 0) return;
  std::string_view text(target.data(), static_cast<std::size_t>(n));
  if (text.ends_with(deleted)) text.remove_suffix(deleted.size());
  process.executable = text;
}

void ProcFiles::read_arguments(Process& process) const {
  const auto content = read_bounded(path(process.pid, "cmdline"), max_argument_bytes + 1);
  if (!content) return;
  process.arguments_truncated = content->size() > max_argument_bytes;
  std::string_view rest = std::string_view(*content).substr(0, max_argument_bytes);
  process.arguments.clear();
  while (!rest.empty()) process.arguments.emplace_back(take(rest, '\0'));
}

void ProcFiles::read_cgroup(Process& process) const {
  const auto content = read_bounded(path(process.pid, "cgroup"), cgroup_limit);
  if (!content) return;
  CgroupLine best{"", "/"};
  std::string container;
  for (std::string_view rest = *content; !rest.empty();) {
    const CgroupLine line = cgroup_line(take(rest, '\n'));
    if (rank(line) > rank(best)) best = line;
    if (container.empty()) container = container_id(line.path);
  }
  process.cgroup = best.path;
  if (std::string id = container_id(best.path); !id.empty()) container = std::move(id);
  process.container_id = std::move(container);
}

// The environment is where programs are given their secrets: nothing of it is kept but the name.
void ProcFiles::read_declared_service(Process& process) const {
  const auto content = read_as<SecretString>(path(process.pid, "environ"), environ_limit);
  if (content) process.declared_service = declared_service(*content);
}

}  // namespace subfloor::identity
