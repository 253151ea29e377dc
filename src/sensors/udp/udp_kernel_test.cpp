// SPDX-License-Identifier: Apache-2.0
// Every rung delivers the same records of what processes send and receive.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <gmock/gmock.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "sensors/sensor.h"
#include "sensors/udp/udp_abi.h"

namespace subfloor::sensors {

extern const Descriptor udp_descriptor;

namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Got {
  Datagram datagram;
  std::string bytes;
};

class Heard final : public Events {
 public:
  void on_datagram(const Datagram& datagram) override { got.push_back({datagram, std::string(datagram.bytes)}); }
  void on_socket_closed(const SocketClosed& socket) override { closed.push_back(socket.key); }
  std::vector<Got> got;
  std::vector<SocketKey> closed;
};

SocketKey key_of(int fd) {
  SocketKey cookie = 0;
  socklen_t size = sizeof cookie;
  getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size);
  return cookie;
}

// An address of loopback; port 0 is a free one.
struct Place {
  sockaddr_storage storage{};
  socklen_t size = 0;

  static Place of(int family, std::uint16_t port = 0, bool mapped = false) {
    Place place;
    if (family == AF_INET) {
      auto& in = reinterpret_cast<sockaddr_in&>(place.storage);
      in = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
      place.size = sizeof in;
    } else {
      auto& in = reinterpret_cast<sockaddr_in6&>(place.storage);
      in.sin6_family = AF_INET6;
      in.sin6_port = htons(port);
      in.sin6_addr = in6addr_loopback;
      if (mapped) inet_pton(AF_INET6, "::ffff:127.0.0.1", &in.sin6_addr);
      place.size = sizeof in;
    }
    return place;
  }
  [[nodiscard]] const sockaddr* at() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

std::uint16_t port_of(int fd) {
  sockaddr_in6 name{};
  socklen_t size = sizeof name;
  getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
  return ntohs(name.sin6_port);  // where sockaddr_in has it, too
}

Fd bound(int family) {
  Fd fd(socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const Place any = Place::of(family);
  EXPECT_EQ(bind(fd.get(), any.at(), any.size), 0) << std::strerror(errno);
  return fd;
}

// Runs f in a fork of this process, whose own traffic the sensor leaves out; its pid.
std::uint32_t in_child(const std::function<void()>& f) {
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(30);
    f();
    _exit(0);
  }
  int status = -1;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
  return static_cast<std::uint32_t>(pid);
}

void must(bool condition) {
  if (!condition) _exit(1);
}

void send_to(int fd, std::string_view bytes, const Place& to) {
  must(sendto(fd, bytes.data(), bytes.size(), 0, to.at(), to.size) == static_cast<ssize_t>(bytes.size()));
}

std::string receive(int fd, int flags = 0) {
  std::string bytes(70'000, '\0');
  const ssize_t size = recv(fd, bytes.data(), bytes.size(), flags);
  must(size >= 0);
  bytes.resize(static_cast<std::size_t>(size));
  return bytes;
}

// Names what the kernel lacks for the rung, or "".
std::string lacking_for(std::string_view rung) {
  if (rung != "fentry") return "";
  const bpf_insn nothing[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
                              {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  bpf_prog_load_opts options{};
  options.sz = sizeof options;
  options.expected_attach_type = BPF_TRACE_FENTRY;
  options.attach_btf_id = static_cast<__u32>(libbpf_find_vmlinux_btf_id("udp_sendmsg", BPF_TRACE_FENTRY));
  const Fd program(bpf_prog_load(BPF_PROG_TYPE_TRACING, "lacking", "GPL", nothing, std::size(nothing), &options));
  return program ? "" : std::string("fentry: ") + std::strerror(errno);
}

class UdpSensorOn : public ::testing::TestWithParam<const char*> {
 protected:
  bool open(std::vector<std::uint16_t> ports, std::size_t ring = 8 << 20) {
    settings_.rung = GetParam();
    settings_.datagram_ports = std::move(ports);
    if (const std::string lacking = lacking_for(GetParam()); !lacking.empty()) {
      skip(lacking);
      return false;
    }
    auto rings = bpf::Rings::make(1 << 16, ring);
    EXPECT_TRUE(rings);
    rings_.emplace(std::move(*rings));
    read_ = 0;
    bpf::LadderReport report;
    auto sensor = udp_descriptor.open({*rings_, heard_, settings_, 3}, report);
    EXPECT_TRUE(sensor) << sensor.error().message;
    if (!sensor) return false;
    sensor_ = std::move(*sensor);
    auto reader = bpf::RingReader::make(
        *rings_, [this](const record_header& header, auto record) { sensor_->handle(header, record); });
    EXPECT_TRUE(reader);
    reader_ = std::move(*reader);
    return true;
  }

  [[nodiscard]] family_counters counters(std::string_view family) const {
    for (const FamilyCounters& one : sensor_->counters())
      if (one.family == family) return one.counters;
    ADD_FAILURE() << family;
    return {};
  }

  // All that was submitted before the call.
  void drain() {
    std::uint64_t submitted = 0;
    for (const FamilyCounters& one : sensor_->counters()) submitted += one.counters.submitted;
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (read_ < submitted && std::chrono::steady_clock::now() < deadline) read_ += reader_->drain();
    EXPECT_EQ(read_, submitted);
  }

  [[nodiscard]] std::vector<Got> of(SocketKey key) {
    drain();
    std::vector<Got> mine;
    for (const Got& one : heard_.got)
      if (one.datagram.key == key) mine.push_back(one);
    return mine;
  }
  // "out hello", "in world"
  [[nodiscard]] std::vector<std::string> told_of(SocketKey key) {
    std::vector<std::string> texts;
    for (const Got& one : of(key)) texts.push_back((one.datagram.outbound ? "out " : "in ") + one.bytes);
    return texts;
  }
  [[nodiscard]] static bool knows_receivers() { return std::string_view(GetParam()) == "fentry"; }

  Settings settings_;
  Heard heard_;
  std::optional<bpf::Rings> rings_;
  std::unique_ptr<Sensor> sensor_;
  std::unique_ptr<bpf::RingReader> reader_;
  std::size_t read_ = 0;

 private:
  static void skip(const std::string& lacking) { GTEST_SKIP() << "this kernel lacks " << lacking; }
};

INSTANTIATE_TEST_SUITE_P(EachRung, UdpSensorOn, ::testing::Values("fentry", "cgroup"),
                         [](const auto& rung) { return std::string(rung.param); });

struct Family {
  int server, client;
  bool mapped;
};

TEST_P(UdpSensorOn, TellsOfBothEndsOfEveryFamily) {
  for (const Family& family :
       {Family{AF_INET, AF_INET, false}, Family{AF_INET6, AF_INET6, false}, Family{AF_INET, AF_INET6, true}}) {
    for (const bool connected : {true, false}) {
      const Fd server = bound(family.server);
      const std::uint16_t port = port_of(server.get());
      const Place there = Place::of(family.client, port, family.mapped);
      const Fd client(socket(family.client, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      if (connected) {
        ASSERT_EQ(connect(client.get(), there.at(), there.size), 0);
      }
      if (!open({port})) return;
      const std::uint32_t pid = in_child([&] {
        connected ? must(send(client.get(), "ask", 3, 0) == 3) : send_to(client.get(), "ask", there);
        char text[8];
        Place from;
        from.size = sizeof from.storage;
        must(recvfrom(server.get(), text, sizeof text, 0, reinterpret_cast<sockaddr*>(&from.storage), &from.size) == 3);
        send_to(server.get(), "answer", from);
        must(receive(client.get()) == "answer");
      });
      EXPECT_THAT(told_of(key_of(client.get())), ElementsAre("out ask", "in answer"));
      EXPECT_THAT(told_of(key_of(server.get())), ElementsAre("in ask", "out answer"));
      const std::vector<Got> asked = of(key_of(client.get())), served = of(key_of(server.get()));
      const std::string ip = family.server == AF_INET ? "127.0.0.1" : "::1";
      ASSERT_EQ(asked.size(), 2U);
      struct stat net{};
      ASSERT_EQ(stat("/proc/self/ns/net", &net), 0);
      for (const std::vector<Got>* both : {&asked, &served}) {
        for (const Got& one : *both) {
          const bool is_server = both == &served;
          EXPECT_EQ((is_server ? one.datagram.local : one.datagram.remote).port, port);
          EXPECT_EQ((is_server ? one.datagram.remote : one.datagram.local).port, port_of(client.get()));
          EXPECT_EQ(one.datagram.local.ip_text(), ip);
          EXPECT_EQ(one.datagram.remote.ip_text(), ip);
          EXPECT_EQ(one.datagram.net_namespace, net.st_ino);
          EXPECT_EQ(one.datagram.length, one.bytes.size());
          EXPECT_EQ(one.datagram.pid, one.datagram.outbound || knows_receivers() ? pid : 0U);
          EXPECT_FALSE(one.datagram.lost_before);
        }
      }
      EXPECT_LT(asked[0].datagram.when, asked[1].datagram.when);
      sensor_.reset();
    }
  }
}

TEST_P(UdpSensorOn, LeavesOutOtherPorts) {
  const Fd wanted = bound(AF_INET), other = bound(AF_INET), client(socket(AF_INET, SOCK_DGRAM, 0));
  if (!open({port_of(wanted.get())})) return;
  in_child([&] {
    for (const Fd* server : {&other, &wanted}) {
      send_to(client.get(), "x", Place::of(AF_INET, port_of(server->get())));
      receive(server->get());
    }
  });
  EXPECT_THAT(told_of(key_of(client.get())), ElementsAre("out x"));
  EXPECT_THAT(told_of(key_of(other.get())), IsEmpty());
  EXPECT_EQ(counters("udp_send").seen, 1U);
  EXPECT_EQ(counters("udp_receive").seen, 1U);
}

TEST_P(UdpSensorOn, TakesOverOtherPortsWhileAttached) {
  const Fd server = bound(AF_INET), client(socket(AF_INET, SOCK_DGRAM, 0));
  if (!open({1})) return;
  const Place there = Place::of(AF_INET, port_of(server.get()));
  in_child([&] { send_to(client.get(), "before", there); });
  settings_.datagram_ports = {port_of(server.get())};
  ASSERT_TRUE(sensor_->reconfigure(settings_));
  in_child([&] { send_to(client.get(), "after", there); });
  EXPECT_THAT(told_of(key_of(client.get())), ElementsAre("out after"));
}

TEST_P(UdpSensorOn, LeavesOutItsOwnAgentsTraffic) {
  const Fd server = bound(AF_INET), client(socket(AF_INET, SOCK_DGRAM, 0));
  if (!open({port_of(server.get())})) return;
  send_to(client.get(), "own", Place::of(AF_INET, port_of(server.get())));
  EXPECT_THAT(told_of(key_of(client.get())), IsEmpty());
  EXPECT_EQ(counters("udp_send").filtered, 1U);
}

TEST_P(UdpSensorOn, TellsOfEachMessageOnceHoweverItIsMoved) {
  const Fd server = bound(AF_INET), client(socket(AF_INET, SOCK_DGRAM, 0));
  const Place there = Place::of(AF_INET, port_of(server.get()));
  ASSERT_EQ(connect(client.get(), there.at(), there.size), 0);
  if (!open({port_of(server.get())})) return;
  in_child([&] {
    std::array<char, 4> text{'o', 'n', 'e', '2'};
    std::array<iovec, 2> pieces{{{text.data(), 2}, {text.data() + 2, 1}}};
    std::array<mmsghdr, 2> messages{};
    messages[0].msg_hdr.msg_iov = pieces.data();
    messages[0].msg_hdr.msg_iovlen = 2;
    iovec second{text.data() + 3, 1};
    messages[1].msg_hdr.msg_iov = &second;
    messages[1].msg_hdr.msg_iovlen = 1;
    must(sendmmsg(client.get(), messages.data(), 2, 0) == 2);
    must(write(client.get(), "3", 1) == 1);
    must(send(client.get(), "4", 1, MSG_MORE) == 1);
    must(send(client.get(), "5", 1, 0) == 1);
    must(receive(server.get(), MSG_PEEK) == "one");
    must(receive(server.get()) == "one");
    char buffers[2][8];
    std::array<iovec, 2> into{{{buffers[0], 8}, {buffers[1], 8}}};
    std::array<mmsghdr, 2> got{};
    for (std::size_t i = 0; i < 2; ++i) {
      got[i].msg_hdr.msg_iov = &into[i];
      got[i].msg_hdr.msg_iovlen = 1;
    }
    must(recvmmsg(server.get(), got.data(), 2, 0, nullptr) == 2);
    must(receive(server.get()) == "45");
  });
  // What was added to the last one lies in a page.
  const std::string last = knows_receivers() ? "4" : "45";
  EXPECT_THAT(told_of(key_of(client.get())), ElementsAre("out one", "out 2", "out 3", "out " + last));
  EXPECT_THAT(told_of(key_of(server.get())), ElementsAre("in one", "in 2", "in 3", "in " + last));
  EXPECT_EQ(of(key_of(server.get())).back().datagram.length, 2U);
}

TEST_P(UdpSensorOn, CopiesTheBeginningOfALongDatagram) {
  const Fd server = bound(AF_INET), client(socket(AF_INET, SOCK_DGRAM, 0));
  if (!open({port_of(server.get())})) return;
  std::string text(20'000, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 26);
  std::vector<std::size_t> sizes{0, 1, 100, 160, 161, 416, 1232, 1320, 3000, 4096, 20'000};
  in_child([&] {
    for (const std::size_t size : sizes) {
      send_to(client.get(), text.substr(0, size), Place::of(AF_INET, port_of(server.get())));
      receive(server.get());
    }
  });
  for (const Fd* end : {&client, &server}) {
    const std::vector<Got> got = of(key_of(end->get()));
    ASSERT_EQ(got.size(), sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      EXPECT_EQ(got[i].datagram.length, sizes[i]);
      EXPECT_EQ(got[i].bytes, text.substr(0, got[i].bytes.size())) << sizes[i];
      // What lies in pages only the packet's own hook reaches.
      if (sizes[i] <= 3000 || !knows_receivers()) {
        EXPECT_EQ(got[i].bytes.size(), std::min<std::size_t>(sizes[i], UDP_CONTENT_MAX));
      }
    }
  }
}

TEST_P(UdpSensorOn, TellsOfTheEndOfSocketsItToldOf) {
  Fd server = bound(AF_INET), client(socket(AF_INET, SOCK_DGRAM, 0)), quiet = bound(AF_INET);
  if (!open({port_of(server.get())})) return;
  const SocketKey key = key_of(client.get());
  in_child([&] { send_to(client.get(), "x", Place::of(AF_INET, port_of(server.get()))); });
  quiet = Fd();
  client = Fd();
  drain();
  EXPECT_THAT(heard_.closed, ElementsAre(key));
}

TEST_P(UdpSensorOn, CountsWhatTheRingHasNoRoomForAndSaysSo) {
  const Fd server = bound(AF_INET), client(socket(AF_INET, SOCK_DGRAM, 0));
  if (!open({port_of(server.get())}, 4096)) return;
  const Place there = Place::of(AF_INET, port_of(server.get()));
  // One CPU, because each counts for itself.
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  const auto send_some = [&](int count) {
    in_child([&] {
      sched_setaffinity(0, sizeof one, &one);
      for (int i = 0; i < count; ++i) {
        send_to(client.get(), "x", there);
        receive(server.get());
      }
    });
  };
  send_some(100);
  const family_counters sent = counters("udp_send"), received = counters("udp_receive");
  EXPECT_GT(sent.ring_full, 0U);
  EXPECT_EQ(sent.seen, 100U);
  EXPECT_EQ(received.seen, 100U);
  EXPECT_EQ(sent.submitted + sent.ring_full, 100U);
  drain();
  heard_.got.clear();
  send_some(1);
  const std::vector<Got> after = of(key_of(client.get()));
  ASSERT_EQ(after.size(), 1U);
  EXPECT_TRUE(after[0].datagram.lost_before);
}

TEST_P(UdpSensorOn, SaysNothingOfTcpAndRawSockets) {
  const Fd server = bound(AF_INET);
  if (!open({port_of(server.get())})) return;
  const Place there = Place::of(AF_INET, port_of(server.get()));
  in_child([&] {
    const int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    must(bind(listener, there.at(), there.size) == 0 && listen(listener, 1) == 0);
    must(connect(client, there.at(), there.size) == 0);
    must(write(client, "x", 1) == 1);
    const int raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    send_to(raw, std::string("\x08\0\xf7\xff\0\0\0\0", 8), Place::of(AF_INET));
  });
  EXPECT_EQ(counters("udp_send").seen, 0U);
  EXPECT_EQ(counters("udp_receive").seen, 0U);
}

}  // namespace
}  // namespace subfloor::sensors
