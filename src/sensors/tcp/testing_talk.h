// SPDX-License-Identifier: Apache-2.0
// For the kernel tests of sensor tcp: processes that talk, and what they say.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <source_location>
#include <string>
#include <string_view>

#include "model/connection.h"
#include "sensors/tcp/tcp_abi.h"

namespace subfloor::sensors::testing_tcp {

// In a child: ends it where the condition does not hold, so that the test fails.
inline void must(bool condition, std::source_location where = std::source_location::current()) {
  if (condition) return;
  std::fprintf(stderr, "%s:%u: failed in a child: %s\n", where.file_name(), where.line(), std::strerror(errno));
  _exit(1);
}

// Starts f in a fork of this process: sensors leave out the traffic of the process that opened them.
template <class F>
pid_t start(F f) {
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(30);
    f();
    _exit(0);
  }
  return pid;
}

inline std::uint32_t end_of(pid_t pid) {
  int status = -1;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0) << "the child failed";
  return static_cast<std::uint32_t>(pid);
}

// Runs f in a fork of this process to its end; its pid.
template <class F>
std::uint32_t in_child(F f) {
  return end_of(start(f));
}

inline void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    must(n > 0);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

inline std::string read_exactly(int fd, std::size_t size, std::size_t at_once = 1 << 20) {
  std::string all(size, '\0');
  for (std::size_t have = 0; have < size;) {
    const ssize_t n = read(fd, all.data() + have, std::min(at_once, size - have));
    must(n > 0);
    have += static_cast<std::size_t>(n);
  }
  return all;
}

// Text of which every part looks different.
inline std::string pattern(std::size_t size, std::uint32_t seed = 1) {
  std::string text(size, '\0');
  for (char& c : text) {
    seed = seed * 1664525 + 1013904223;
    c = static_cast<char>('a' + (seed >> 16) % 26);
  }
  return text;
}

// Whether the text is the truth where it is known, and how much of it that is; -1 where it is not.
inline long known_of(const std::string& text, const std::string& truth) {
  if (text.size() != truth.size()) return -1;
  long known = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '?') continue;
    if (text[i] != truth[i]) return -1;
    ++known;
  }
  return known;
}

inline SocketKey key_of(int fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
  if (domain == AF_UNIX) {
    struct stat status{};
    fstat(fd, &status);
    return TCP_UNIX_KEY | status.st_ino;
  }
  SocketKey cookie = 0;
  size = sizeof cookie;
  getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size);
  return cookie;
}

enum class Over { ipv4, ipv6, v4_mapped, unix_pair };

// A connection between two sockets of this process. Its children use them.
class Pair {
 public:
  explicit Pair(Over over = Over::ipv4) {
    if (over == Over::unix_pair) {
      int fds[2];
      EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
      client = fds[0];
      server = fds[1];
    } else {
      connect_over(over);
    }
    client_key = key_of(client);
    server_key = key_of(server);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() { close(); }

  void close() {
    for (int* fd : {&client, &server}) {
      if (*fd >= 0) ::close(*fd);
      *fd = -1;
    }
  }

  int client = -1, server = -1;
  SocketKey client_key = 0, server_key = 0;
  std::uint16_t client_port = 0, server_port = 0;

 private:
  void connect_over(Over over) {
    sockaddr_in6 v6{};
    sockaddr_in v4{};
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    constexpr std::uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
    if (over == Over::v4_mapped) std::memcpy(&v6.sin6_addr, mapped, sizeof mapped);
    const bool six = over != Over::ipv4;
    auto* address = six ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
    socklen_t size = six ? sizeof v6 : sizeof v4;
    const int listener = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(bind(listener, address, size), 0) << std::strerror(errno);
    EXPECT_EQ(listen(listener, 8), 0);
    getsockname(listener, address, &size);
    server_port = ntohs(six ? v6.sin6_port : v4.sin_port);
    client = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(client, address, size), 0) << std::strerror(errno);
    server = accept(listener, nullptr, nullptr);
    EXPECT_GE(server, 0);
    getsockname(client, address, &size);
    client_port = ntohs(six ? v6.sin6_port : v4.sin_port);
    ::close(listener);
  }
};

// Memory that children share with the test.
template <class T>
class Shared {
 public:
  Shared()
      : at_(static_cast<T*>(mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() { munmap(at_, sizeof(T)); }
  T* operator->() const { return at_; }
  T& operator*() const { return *at_; }

 private:
  T* at_;
};

}  // namespace subfloor::sensors::testing_tcp
