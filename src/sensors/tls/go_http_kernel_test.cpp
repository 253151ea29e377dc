// SPDX-License-Identifier: Apache-2.0
// For whom a client of Go's net/http writes, of a real one.
#include <arpa/inet.h>
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "elf/instructions.h"
#include "sensors/tls/testing.h"

namespace subfloor::sensors {
namespace {

// Answers what one connection asks, and notes how long each question was.
class Server {
 public:
  Server() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port = ntohs(address.sin_port);
    thread_ = std::jthread([this] { serve(); });
  }
  void join() { thread_.join(); }

  std::uint16_t port = 0;
  std::vector<std::size_t> lengths;  // once joined

 private:
  void serve() {
    const Fd connection(::accept(listener_.get(), nullptr, nullptr));
    std::string asked;
    std::array<char, 4096> buffer{};
    for (ssize_t got = 0; (got = ::read(connection.get(), buffer.data(), buffer.size())) > 0;) {
      asked.append(buffer.data(), static_cast<std::size_t>(got));
      if (!asked.ends_with("\r\n\r\n")) continue;
      lengths.push_back(std::exchange(asked, {}).size());
      constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
      EXPECT_EQ(::write(connection.get(), answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
    }
  }

  Fd listener_;
  std::jthread thread_;
};

// `talk get -wait`: has asked once, and asks five times more once it is told to.
class Client {
 public:
  Client(const std::string& program, std::uint16_t port) {
    int in[2], out[2];
    EXPECT_EQ(::pipe(in), 0);
    EXPECT_EQ(::pipe(out), 0);
    const std::string url = "http://127.0.0.1:" + std::to_string(port);
    pid = ::fork();
    if (pid == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      for (const int fd : {in[0], in[1], out[0], out[1]}) ::close(fd);
      ::execl(program.c_str(), program.c_str(), "get", "-wait", "-n", "5", url.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_ = Fd(in[1]);
    out_ = Fd(out[0]);
    std::array<char, 16> asked{};
    EXPECT_EQ(::read(out_.get(), asked.data(), asked.size()), 6) << "it has not asked";
  }
  int go_on() {
    in_ = Fd();
    int status = -1;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return status;
  }
  // What its connection is known by, from now on.
  [[nodiscard]] SocketKey socket() const {
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
      const int number = std::stoi(entry.path().filename());
      const Fd mine(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0)));
      SocketKey key = 0;
      socklen_t size = sizeof key;
      if (mine && ::getsockopt(mine.get(), SOL_SOCKET, SO_COOKIE, &key, &size) == 0) return key;
    }
    return 0;
  }

  pid_t pid = -1;

 private:
  Fd in_, out_;
};

class Heard final : public Events {
 public:
  void on_written_on_behalf(const OnBehalf& told) override { got.push_back(told); }
  std::vector<OnBehalf> got;
};

class GoHttp : public TlsSensorTest {
 protected:
  Events& events() override { return heard_; }

  // Lets the client go on with the sensor attached to it; how long each of its requests was.
  std::vector<std::size_t> ask(const std::string& program, bool follow) {
    Server server;
    Client client(program, server.port);
    pid_ = static_cast<std::uint32_t>(client.pid);
    socket_ = client.socket();
    EXPECT_NE(socket_, 0U);
    sensor_->watcher()->follow_calls(follow);
    sensor_->watcher()->on_exec(pid_);
    // What takes longer than it may at a time goes on later.
    for (int i = 0; i < 100; ++i) sensor_->watcher()->work(monotonic_now());
    EXPECT_EQ(client.go_on(), 0);
    server.join();
    reader_->drain();
    sensor_->watcher()->on_exit(pid_);
    return server.lengths;
  }

  Heard heard_;
  std::uint32_t pid_ = 0;
  SocketKey socket_ = 0;
};

// Those of tests/go are beside this program.
std::vector<std::string> programs() {
  std::vector<std::string> all;
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "go";
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().filename().string().ends_with("-exe-stripped")) all.push_back(entry.path());
  return all;
}

TEST_P(GoHttp, SaysWhichBytesWereAskedForByWhom) {
  if (!elf::can_read_instructions(EM_X86_64)) GTEST_SKIP() << "built without libzydis";
  ASSERT_FALSE(programs().empty());
  for (const std::string& program : programs()) {
    SCOPED_TRACE(program);
    heard_.got.clear();
    const Nanoseconds before = monotonic_now();
    const std::vector<std::size_t> lengths = ask(program, true);
    ASSERT_EQ(lengths.size(), 6U);
    ASSERT_EQ(heard_.got.size(), 5U);
    std::uint32_t position = heard_.got[0].position;
    for (std::size_t i = 0; i < 5; ++i) {
      const OnBehalf& told = heard_.got[i];
      EXPECT_EQ(told.socket, socket_);
      EXPECT_FALSE(told.plaintext);
      EXPECT_EQ(told.position, position);
      EXPECT_EQ(told.length, lengths[i + 1]) << "the first was asked before";
      EXPECT_EQ(told.pid, pid_);
      EXPECT_NE(told.goroutine, 0U);
      EXPECT_EQ(told.goroutine, heard_.got[0].goroutine);
      EXPECT_GT(told.asked, i == 0 ? before : heard_.got[i - 1].asked);
      position += told.length;
    }
  }
}

TEST_P(GoHttp, SaysNothingWhileNobodyFollows) {
  if (!elf::can_read_instructions(EM_X86_64)) GTEST_SKIP() << "built without libzydis";
  ASSERT_FALSE(programs().empty());
  EXPECT_EQ(ask(programs().front(), false).size(), 6U);
  EXPECT_TRUE(heard_.got.empty());
  for (const FamilyCounters& each : sensor_->counters()) {
    if (each.family == "go_on_behalf") {
      EXPECT_EQ(each.counters.seen, 0U);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rungs, GoHttp, ::testing::Values("uprobe.multi", "uprobe"), name_of_rung);

}  // namespace
}  // namespace subfloor::sensors
