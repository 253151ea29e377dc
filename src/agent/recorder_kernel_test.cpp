// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/replay.h"
#include "exporters/json/json.h"

namespace subfloor::agent {
namespace {

constexpr Nanoseconds patience = 30'000'000'000;
constexpr int calls_wanted = 40;

// A call as JSON, without the ids, which are chosen at random; times as the kernel gave them.
std::string text_of(const Observation& observation) {
  std::string text;
  json::append_json(text, observation, observation.call.start);
  auto call = nlohmann::json::parse(text);
  call.erase("trace_id");
  call.erase("span_id");
  call.erase("parent_span_id");
  return call.dump();
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n <= 0) _exit(1);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string read_until(int fd, std::string_view end) {
  std::string text;
  char c = 0;
  while (!text.ends_with(end) && ::read(fd, &c, 1) == 1) text += c;
  return text;
}

// In pieces that the socket's buffer has room for.
void pass(int from, int to, std::size_t bytes) {
  std::string buffer(20'000, 'b');
  while (bytes > 0) {
    const std::size_t step = std::min(bytes, buffer.size());
    write_all(from, std::string_view(buffer).substr(0, step));
    for (std::size_t got = 0; got < step;) {
      const ssize_t n = ::read(to, buffer.data(), step - got);
      if (n <= 0) _exit(1);
      got += static_cast<std::size_t>(n);
    }
    bytes -= step;
  }
}

// Both ends of a conversation in one process: requests, large bodies both ways, answers without a body, and at last a
// request that nobody answers.
void converse(int client, int server) {
  for (int i = 0; i < calls_wanted / 4; ++i) {
    const bool large = i % 3 == 0;
    const std::size_t sent = large ? 50'000 : 0, received = large ? 100'000 : 0;
    write_all(client, fmt::format("{} /recorded/{} HTTP/1.1\r\nHost: h\r\nCookie: c\r\nContent-Length: {}\r\n\r\n",
                                  large ? "POST" : "GET", i, sent));
    read_until(server, "\r\n\r\n");
    pass(client, server, sent);
    write_all(server, fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n\r\n", large ? 200 : 404, received));
    read_until(client, "\r\n\r\n");
    pass(server, client, received);
  }
  write_all(client, "GET /unfinished HTTP/1.1\r\nHost: h\r\n\r\n");
  read_until(server, "\r\n\r\n");
}

// The agent does not watch itself, so somebody else talks: once told to, over TCP and a unix socket; then it waits.
[[noreturn]] void talk(int told) {
  char go = 0;
  if (::read(told, &go, 1) != 1) _exit(1);
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 5) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    _exit(1);
  }
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::connect(client, reinterpret_cast<sockaddr*>(&address), size) != 0) _exit(1);
  const int server = ::accept(listener, nullptr, nullptr);
  converse(client, server);
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) _exit(1);
  converse(pair[0], pair[1]);
  (void)::read(told, &go, 1);
  _exit(0);
}

class RecorderKernel : public ::testing::Test {
 protected:
  void SetUp() override {
    int told[2];
    ASSERT_EQ(::pipe2(told, O_CLOEXEC), 0);
    child_ = ::fork();
    if (child_ == 0) {
      ::close(told[1]);
      talk(told[0]);
    }
    ::close(told[0]);
    tell_ = Fd(told[1]);
    directory_ = std::filesystem::temp_directory_path() / fmt::format("subfloor-recorder-{}", ::getpid());
    std::filesystem::create_directory(directory_);
  }
  void TearDown() override {
    tell_ = Fd();
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    std::filesystem::remove_all(directory_);
  }

  // Records until the child has made its calls; what an observer of the same agent saw.
  std::vector<std::string> record(const std::string& path) {
    std::vector<std::string> live;
    auto reactor = Reactor::make();
    auto writer = recording::Writer::make(path, {}, [](const std::optional<Error>&) {});
    EXPECT_TRUE(writer) << writer.error().message;
    Recorder recorder(**writer);
    Config config;
    config.prometheus.enabled = false;
    config.api.socket.clear();
    auto agent = Agent::make(config, **reactor, &recorder);
    EXPECT_TRUE(agent) << agent.error().message;
    recorder.begin(**agent);
    int ours = 0;
    (*agent)->add_observer([&](const Observation& observation) { recorder.on_call(observation); });
    (*agent)->add_observer([&](const Observation& observation) {
      live.push_back(text_of(observation));
      if (observation.call.path.starts_with("/recorded/") && ++ours == calls_wanted) (*reactor)->stop();
    });
    EXPECT_EQ(::write(tell_.get(), "g", 1), 1);
    EXPECT_TRUE((*reactor)->every(patience, [&] { (*reactor)->stop(); }));
    (*reactor)->run();
    EXPECT_EQ(ours, calls_wanted);
    const nlohmann::json status = (*agent)->status();
    agent->reset();
    EXPECT_TRUE(recorder.finish(status, "test"));
    return live;
  }

  pid_t child_ = -1;
  Fd tell_;
  std::filesystem::path directory_;
};

TEST_F(RecorderKernel, ReplayGivesExactlyTheCallsOfTheAgentThatRecorded) {
  const std::string path = directory_ / "recording";
  const std::vector<std::string> live = record(path);
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);

  auto replay = Replay::open({}, path);
  ASSERT_TRUE(replay) << replay.error().message;
  std::vector<std::string> replayed;
  (*replay)->add_observer([&](const Observation& observation) {
    replayed.push_back(text_of(observation));
    const Nanoseconds wall = (*replay)->to_unix(observation.call.start), here = to_unix(observation.call.start);
    EXPECT_LT(wall > here ? wall - here : here - wall, 1'000'000'000U);
  });
  Result<bool> more = true;
  while (more && *more) more = (*replay)->read_some();
  EXPECT_TRUE(more) << more.error().message;
  (*replay)->finish();
  EXPECT_EQ(replayed, live);
  EXPECT_THAT(replayed, ::testing::Contains(::testing::HasSubstr("/unfinished")));
  EXPECT_THAT(replayed,
              ::testing::Contains(::testing::HasSubstr("\"process.executable.name\":\"agent_kernel_tests\"")));
}

}  // namespace
}  // namespace subfloor::agent
