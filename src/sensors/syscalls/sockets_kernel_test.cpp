// SPDX-License-Identifier: Apache-2.0
// Sockets: who is at either end as the kernel has it, and the address that the caller gave.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <cstring>
#include <fstream>

#include "base/fd.h"
#include "sensors/syscalls/testing.h"

namespace subfloor::sensors {
namespace {

using namespace testing_syscalls;
using testing::SizeIs;

class Sockets : public SyscallsSensorOn {};
INSTANTIATE_TEST_SUITE_P(EachRung, Sockets, testing::Values("tp_btf", "raw_tp"),
                         [](const auto& rung) { return std::string(rung.param); });

struct Sockaddr {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] std::uint16_t port() const {
    return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);  // that of IPv6 lies at the same place
  }
};

Sockaddr loopback(int family, std::uint16_t port = 0) {
  Sockaddr address;
  if (family == AF_INET) {
    auto* in = reinterpret_cast<sockaddr_in*>(&address.storage);
    *in = {AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {}};
    address.length = sizeof *in;
  } else {
    auto* in = reinterpret_cast<sockaddr_in6*>(&address.storage);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(port);
    in->sin6_addr = in6addr_loopback;
    address.length = sizeof *in;
  }
  return address;
}

Sockaddr unix_address(const std::string& path) {
  Sockaddr address;
  auto* un = reinterpret_cast<sockaddr_un*>(&address.storage);
  un->sun_family = AF_UNIX;
  path.copy(un->sun_path, path.size());
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (path[0] != '\0' ? 1 : 0));
  return address;
}

// Bound by this process, whose own calls are not told of.
struct Bound {
  Fd fd;
  Sockaddr address;

  Bound(int type, Sockaddr wanted) : fd(socket(wanted.storage.ss_family, type, 0)), address(wanted) {
    EXPECT_EQ(bind(fd.get(), address.get(), address.length), 0) << strerror(errno);
    address.length = sizeof address.storage;
    EXPECT_EQ(getsockname(fd.get(), address.get(), &address.length), 0);
    EXPECT_TRUE(type != SOCK_STREAM || listen(fd.get(), 8) == 0);
  }
};

TEST_P(Sockets, TellBothEndsOfAConnection) {
  for (const int family : {AF_INET, AF_INET6}) {
    Bound server(SOCK_STREAM, loopback(family));
    ASSERT_NO_FATAL_FAILURE(open({SYS_connect}));
    const auto calls = calls_in_child([&] {
      const int fd = socket(family, SOCK_STREAM, 0);
      return connect(fd, server.address.get(), server.address.length) != 0;
    });
    ASSERT_THAT(calls, SizeIs(1));
    const Syscall& call = calls[0].call;
    EXPECT_EQ(call.result, 0);
    ASSERT_TRUE(call.socket);
    EXPECT_EQ(call.socket->family, family);
    EXPECT_EQ(call.socket->type, SOCK_STREAM);
    EXPECT_EQ(call.socket->protocol, IPPROTO_TCP);
    EXPECT_EQ(call.socket->remote.ip_text(), family == AF_INET ? "127.0.0.1" : "::1");
    EXPECT_EQ(call.socket->remote.port, server.address.port());
    EXPECT_EQ(call.socket->local.ip_text(), family == AF_INET ? "127.0.0.1" : "::1");
    EXPECT_GT(call.socket->local.port, 0);
    ASSERT_TRUE(call.address);
    EXPECT_EQ(call.address->family, family);
    EXPECT_EQ(call.address->inet, call.socket->remote);
    ASSERT_TRUE(call.file);
    EXPECT_TRUE(S_ISSOCK(call.file->mode));
    EXPECT_EQ(calls[0].path, "");
  }
}

TEST_P(Sockets, TellAConnectionThatWasRefusedByTheAddressGiven) {
  ASSERT_NO_FATAL_FAILURE(open({SYS_connect}));
  const auto calls = calls_in_child([] {
    Sockaddr nobody = loopback(AF_INET, 1);
    return connect(socket(AF_INET, SOCK_STREAM, 0), nobody.get(), nobody.length) == 0;
  });
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].call.result, -ECONNREFUSED);
  ASSERT_TRUE(calls[0].call.address);
  EXPECT_EQ(calls[0].call.address->inet.text(), "127.0.0.1:1");
}

TEST_P(Sockets, TellUnixSocketsByTheirNames) {
  const Place place;
  for (const std::string& name : {place / "socket", std::string("\0subfloor-abstract", 18)}) {
    const std::string shown = name[0] == '\0' ? "@" + name.substr(1) : name;
    Bound server(SOCK_STREAM, unix_address(name));
    ASSERT_NO_FATAL_FAILURE(open({SYS_connect, SYS_accept4}));
    auto calls = calls_in_child([&] {
      return connect(socket(AF_UNIX, SOCK_STREAM, 0), server.address.get(), server.address.length) != 0 ||
             accept4(server.fd.get(), nullptr, nullptr, 0) < 0;
    });
    ASSERT_THAT(calls, SizeIs(2));
    EXPECT_EQ(calls[0].address_path, shown);
    EXPECT_EQ(calls[0].unix_path, shown);
    EXPECT_EQ(calls[1].unix_path, shown);
    EXPECT_EQ(calls[0].call.socket->family, AF_UNIX);
    EXPECT_NE(calls[0].call.socket->key, calls[1].call.socket->key);
  }
}

TEST_P(Sockets, TellBindListenAndAccept) {
  ASSERT_NO_FATAL_FAILURE(open({SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_socket}));
  const auto calls = calls_in_child([] {
    Sockaddr any = loopback(AF_INET);
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server, any.get(), any.length) != 0 || listen(server, 3) != 0) return 1;
    if (getsockname(server, any.get(), &any.length) != 0) return 1;
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    return static_cast<int>(connect(client, any.get(), any.length) != 0 || accept(server, nullptr, nullptr) < 0);
  });
  ASSERT_THAT(calls, SizeIs(5));
  EXPECT_EQ(calls[0].call.number, SYS_socket);
  EXPECT_EQ(calls[0].call.socket->protocol, IPPROTO_TCP);
  EXPECT_EQ(calls[1].call.number, SYS_bind);
  EXPECT_EQ(calls[1].call.address->inet.text(), "127.0.0.1:0");
  EXPECT_GT(calls[1].call.socket->local.port, 0);
  EXPECT_EQ(calls[2].call.number, SYS_listen);
  EXPECT_EQ(calls[2].call.args[1], 3U);
  EXPECT_EQ(calls[2].call.socket->local, calls[1].call.socket->local);
  EXPECT_EQ(calls[4].call.number, SYS_accept);
  EXPECT_EQ(calls[4].call.socket->local, calls[1].call.socket->local);
  EXPECT_EQ(calls[4].call.socket->remote.ip_text(), "127.0.0.1");
  EXPECT_GT(calls[4].call.socket->remote.port, 0);
}

TEST_P(Sockets, TellWhoADatagramWasSentTo) {
  Bound server(SOCK_DGRAM, loopback(AF_INET));
  ASSERT_NO_FATAL_FAILURE(open({SYS_sendto, SYS_sendmsg, SYS_recvfrom, SYS_recvmsg}));
  const auto calls = calls_in_child([&] {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    char text[] = "hello";
    iovec vector{text, 5};
    msghdr message{};
    message.msg_name = server.address.get();
    message.msg_namelen = server.address.length;
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    Sockaddr from;
    char room[64];
    return sendto(fd, text, 5, 0, server.address.get(), server.address.length) != 5 || sendmsg(fd, &message, 0) != 5 ||
           recvfrom(server.fd.get(), room, sizeof room, 0, from.get(), &from.length) != 5 ||
           recvmsg(server.fd.get(), &message, 0) != 5;
  });
  ASSERT_THAT(calls, SizeIs(4));
  for (const HeardCall& heard : calls) {
    EXPECT_EQ(heard.call.result, 5) << heard.call.number;
    ASSERT_TRUE(heard.call.address) << heard.call.number;
    EXPECT_EQ(heard.call.address->inet.ip_text(), "127.0.0.1") << heard.call.number;
    EXPECT_EQ(heard.call.socket->protocol, IPPROTO_UDP);
  }
  EXPECT_EQ(calls[0].call.address->inet.port, server.address.port());
  EXPECT_EQ(calls[1].call.address->inet.port, server.address.port());
  EXPECT_EQ(calls[2].call.address->inet.port, calls[0].call.socket->local.port);
  EXPECT_EQ(calls[3].call.address->inet.port, calls[0].call.socket->local.port);
  EXPECT_EQ(calls[0].content, "hello");
  EXPECT_EQ(calls[2].content, "hello");
}

TEST_P(Sockets, TellOnlyWhatWasSentToAnAddress) {
  Bound server(SOCK_DGRAM, loopback(AF_INET));
  std::vector<WantedSyscall> wanted{SYS_sendto, SYS_sendmsg};
  for (WantedSyscall& one : wanted) one.addressed_only = true;
  ASSERT_NO_FATAL_FAILURE(open(wanted));
  const auto calls = calls_in_child([&] {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    char text[] = "hello";
    iovec vector{text, 5};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    if (connect(fd, server.address.get(), server.address.length) != 0) return 1;
    if (send(fd, text, 5, 0) != 5 || sendmsg(fd, &message, 0) != 5) return 1;
    return static_cast<int>(sendto(fd, text, 4, 0, server.address.get(), server.address.length) != 4);
  });
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].content, "hell");
}

#if defined(__x86_64__)
// 32-bit programs may ask for all that concerns sockets by one call.
TEST_P(Sockets, TellWhatASocketcallAsksFor) {
  constexpr long ia32_socketcall = 102, socket_call = 1, connect_call = 3, send_call = 9;
  Bound server(SOCK_DGRAM, loopback(AF_INET));
  ASSERT_NO_FATAL_FAILURE(open({SYS_connect, SYS_sendto}));
  const auto calls = calls_in_child([&] {
    void* low = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (low == MAP_FAILED) return 1;
    auto* words = static_cast<std::uint32_t*>(low);
    auto* address = words + 64;
    std::memcpy(address, &server.address.storage, server.address.length);
    const auto call = [&](long what, std::initializer_list<std::uint32_t> args) {
      std::copy(args.begin(), args.end(), words);
      long result = 0;
      asm volatile("int $0x80"
                   : "=a"(result)
                   : "a"(ia32_socketcall), "b"(what), "c"(low)
                   : "memory", "r8", "r9", "r10", "r11");
      return static_cast<int>(result);
    };
    const auto at = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(address));
    const int fd = call(socket_call, {AF_INET, SOCK_DGRAM, 0});
    const auto file = static_cast<std::uint32_t>(fd);
    if (fd < 0 || call(connect_call, {file, at, server.address.length}) != 0) return 1;
    // What lies behind the four arguments of send is none of them.
    return static_cast<int>(call(send_call, {file, at, 4, 0, at, server.address.length}) != 4);
  });
  ASSERT_THAT(calls, SizeIs(2));
  EXPECT_EQ(calls[0].call.number, SYS_connect);
  EXPECT_TRUE(calls[0].call.ia32);
  EXPECT_EQ(calls[0].call.address->inet.port, server.address.port());
  EXPECT_EQ(calls[1].call.number, SYS_sendto);
  EXPECT_FALSE(calls[1].call.address);
  EXPECT_EQ(calls[1].call.socket->remote.port, server.address.port());
}
#endif

TEST_P(Sockets, TellOnlyThoseOfAFamilyThatIsWanted) {
  WantedSyscall packet(SYS_socket);
  packet.checks = {{.argument = 0, .values = {AF_PACKET, AF_NETLINK}}};
  ASSERT_NO_FATAL_FAILURE(open({packet}));
  const auto calls = calls_in_child([] {
    return socket(AF_INET, SOCK_DGRAM, 0) < 0 || socket(AF_NETLINK, SOCK_RAW, 0) < 0 ||
           socket(AF_UNIX, SOCK_STREAM, 0) < 0;
  });
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].call.socket->family, AF_NETLINK);
}

#if defined(__x86_64__)
TEST_P(Sockets, TellThatOneBecameStandardInput) {
  WantedSyscall standard(SYS_dup2);
  standard.checks = {{.argument = 1, .values = {0, 1, 2}}};
  standard.sockets_only = true;
  standard.failures = false;
  Bound server(SOCK_STREAM, loopback(AF_INET));
  ASSERT_NO_FATAL_FAILURE(open({standard}));
  const auto calls = calls_in_child([&] {
    const int fd = socket(AF_INET, SOCK_STREAM, 0), file = ::open("/dev/null", O_RDWR);
    if (connect(fd, server.address.get(), server.address.length) != 0) return 1;
    for (const auto& [from, to] : {std::pair(file, 1), {fd, 9}, {fd, 0}, {-1, 2}}) syscall(SYS_dup2, from, to);
    return 0;
  });
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].call.args[1], 0U);
  EXPECT_EQ(calls[0].call.socket->remote.port, server.address.port());
}
#endif

// A file that came through a socket, or was taken from another process, was never opened by who has it.
TEST_P(Sockets, AndFilesThatWerePassedAreToldByTheirPaths) {
  const Place place;
  std::ofstream(place / "secret") << "x";
  const Fd secret(::open((place / "secret").c_str(), O_RDONLY));
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const Fd here(pair[0]), there(pair[1]);
  char byte = 'x';
  iovec vector{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  *header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  const int sent = secret.get();
  std::memcpy(CMSG_DATA(header), &sent, sizeof sent);
  ASSERT_EQ(sendmsg(here.get(), &message, 0), 1);

  ASSERT_NO_FATAL_FAILURE(open({SYS_dup, SYS_pidfd_getfd}));
  const auto calls = calls_in_child([&] {
    close(secret.get());
    int received = -1;
    if (recvmsg(there.get(), &message, 0) != 1) return 1;
    std::memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
    const int other = static_cast<int>(syscall(SYS_pidfd_open, getppid(), 0));
    return static_cast<int>(dup(received) < 0 || syscall(SYS_pidfd_getfd, other, sent, 0) < 0);
  });
  ASSERT_THAT(calls, SizeIs(2));
  for (const HeardCall& heard : calls) EXPECT_EQ(heard.path, place / "secret") << heard.call.number;
}

}  // namespace
}  // namespace subfloor::sensors
