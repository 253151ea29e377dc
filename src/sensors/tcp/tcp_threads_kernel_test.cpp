// SPDX-License-Identifier: Apache-2.0
// Many at once, on each rung: threads that wait, threads that share a socket.
#include <gmock/gmock.h>
#include <sys/syscall.h>

#include <array>
#include <fstream>
#include <memory>

#include "sensors/tcp/testing.h"

namespace subfloor::sensors::testing_tcp {
namespace {

constexpr bool in = false, out = true;

using TcpThreadsOn = TcpSensorOn;

INSTANTIATE_TEST_SUITE_P(EachRung, TcpThreadsOn, ::testing::ValuesIn(rungs), name_of_rung);

// Whether the process sleeps in a system call.
bool waits(pid_t pid) {
  std::string line;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/syscall") >> std::ws, line);
  return line.starts_with(std::to_string(SYS_read) + " ");
}

// What a rung keeps of a call in progress is for any number of them.
TEST_P(TcpThreadsOn, TellsWhatIsReadWhileManyThreadsWait) {
  if (!open()) return;
  constexpr std::size_t waiting = 60;
  std::vector<std::unique_ptr<Pair>> pairs;
  std::vector<pid_t> readers;
  for (std::size_t i = 0; i < waiting; ++i) pairs.push_back(std::make_unique<Pair>());
  for (const auto& pair : pairs) readers.push_back(start([&] { must(read_exactly(pair->server, 5) == "later"); }));
  for (const pid_t reader : readers) ASSERT_TRUE(watch_->until([&] { return waits(reader); }));
  const Pair pair;
  in_child([&] {
    write_all(pair.client, "at once");
    must(read_exactly(pair.server, 7) == "at once");
  });
  EXPECT_EQ(told(pair.server_key).text(in), "at once");
  in_child([&] {
    for (const auto& each : pairs) write_all(each->client, "later");
  });
  for (const pid_t reader : readers) end_of(reader);
  for (const auto& each : pairs) EXPECT_EQ(told(each->server_key).text(in), "later");
}

// Not "syscall": it reads positions when the socket is no longer locked.
using TcpPositionsOn = TcpSensorOn;

INSTANTIATE_TEST_SUITE_P(EachRung, TcpPositionsOn, ::testing::Values("fentry", "kprobe", "tracepoint"), name_of_rung);

TEST_P(TcpPositionsOn, TellsWhatTwoThreadsSendThroughOneSocketAtItsPlace) {
  if (!open()) return;
  const Pair pair;
  constexpr std::size_t each = 300, size = 40;
  Shared<std::array<char, 2 * each * size>> received;
  const pid_t reader = start([&] {
    const std::string all = read_exactly(pair.server, received->size());
    std::copy(all.begin(), all.end(), received->begin());
  });
  std::array<pid_t, 2> writers{};
  for (std::uint32_t seed = 0; seed < 2; ++seed) {
    writers[seed] = start([&] {
      const std::string text = pattern(each * size, seed + 7);
      for (std::size_t i = 0; i < each; ++i) write_all(pair.client, text.substr(i * size, size));
    });
  }
  for (const pid_t writer : writers) end_of(writer);
  end_of(reader);
  EXPECT_EQ(told(pair.client_key).text(out), std::string(received->begin(), received->end()));
}

}  // namespace
}  // namespace subfloor::sensors::testing_tcp
