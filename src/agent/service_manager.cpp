// SPDX-License-Identifier: Apache-2.0
#include "agent/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <optional>

#include "base/log.h"

namespace subfloor::agent {
namespace {

std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string taken = value == nullptr ? "" : value;
  unsetenv(name);
  return taken;
}

std::optional<std::uint64_t> number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<Fd> connect_to(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if ((name[0] != '/' && name[0] != '@') || name.size() < 2 || name.size() >= sizeof address.sun_path)
    return fail("NOTIFY_SOCKET is neither a path nor @name: " + one_line(name), EINVAL);
  name.copy(address.sun_path, name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';
  Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket", errno);
  // To the byte: in the abstract namespace, zeros at the end belong to the name.
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
    return fail_errno("NOTIFY_SOCKET " + one_line(name), errno);
  return fd;
}

}  // namespace

std::string one_line(std::string_view text, std::size_t limit) {
  std::string line;
  for (const char c : text.substr(0, limit)) {
    if (c == '\n')
      line += "; ";
    else
      line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  if (text.size() > limit) line += " …";
  return line;
}

Result<ServiceManager> ServiceManager::from_environment() {
  ServiceManager manager;
  const std::string socket = take_variable("NOTIFY_SOCKET");
  const auto limit = number(take_variable("WATCHDOG_USEC"));
  const std::string pid = take_variable("WATCHDOG_PID");
  if (socket.empty()) return manager;
  TRY_ASSIGN(manager.socket_, connect_to(socket));
  const bool meant = pid.empty() || number(pid) == static_cast<std::uint64_t>(getpid());
  if (limit && meant) manager.watchdog_interval_ = *limit * 1000 / 2;
  return manager;
}

void ServiceManager::ready(std::string_view status) const { send("READY=1\nSTATUS=" + one_line(status)); }

void ServiceManager::reloading(std::string_view status) const {
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS={}", monotonic_now() / 1000, one_line(status)));
}

void ServiceManager::stopping(std::string_view status) const { send("STOPPING=1\nSTATUS=" + one_line(status)); }

void ServiceManager::watchdog() const { send("WATCHDOG=1"); }

void ServiceManager::send(const std::string& message) const {
  if (!socket_) return;
  // Blocks where the manager's queue is full, as sd_notify does: READY=1 must not be lost.
  while (::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    LOG_WARN("the service manager cannot be told: {}", errno_text(errno));
    return;
  }
}

}  // namespace subfloor::agent
