// SPDX-License-Identifier: Apache-2.0
// Losses of the tcp sensor, the order of what it tells, and what it leaves behind, on each rung.
#include <gmock/gmock.h>

#include <array>

#include "sensors/tcp/testing.h"

namespace subfloor::sensors::testing_tcp {
namespace {

using ::testing::IsEmpty;

constexpr bool in = false;

using TcpLossesOn = TcpSensorOn;

INSTANTIATE_TEST_SUITE_P(EachRung, TcpLossesOn, ::testing::ValuesIn(rungs), name_of_rung);

TEST_P(TcpLossesOn, CountsEachRecordThatFindsTheRingFull) {
  const Pair pair;
  Settings settings;
  settings.ports = {pair.server_port};  // nobody else's traffic is counted
  settings.unix_sockets = false;
  if (!open(settings, 4096)) return;
  ASSERT_TRUE(watch_->sensor().take_stock());
  const std::string truth = pattern(500);
  in_child([&] {
    for (int i = 0; i < 100; ++i) {
      write_all(pair.client, truth);
      must(read_exactly(pair.server, 500) == truth);
    }
  });
  const family_counters sent = watch_->counters("tcp_send"), received = watch_->counters("tcp_receive");
  for (const family_counters& counters : {sent, received}) {
    EXPECT_EQ(counters.seen, 100U);
    EXPECT_EQ(counters.seen, counters.submitted + counters.filtered + counters.ring_full);
    EXPECT_EQ(counters.bytes, counters.submitted * 500);
  }
  EXPECT_GT(sent.ring_full + received.ring_full, 0U);
  told(pair.client_key);
  EXPECT_EQ(watch_->heard().records, sent.submitted + received.submitted);

  // And all is well again once there is room.
  in_child([&] {
    write_all(pair.client, "again");
    must(read_exactly(pair.server, 5) == "again");
  });
  ASSERT_THAT(told(pair.server_key).of(in), ::testing::Not(IsEmpty()));
  EXPECT_EQ(told(pair.server_key).of(in).back().bytes, "again");
  EXPECT_EQ(told(pair.server_key).of(in).back().head.position - told(pair.server_key).base(in), 50000U);
}

TEST_P(TcpLossesOn, TellsBirthDataAndCloseInThisOrderHoweverBusyTheMachineIs) {
  if (!open()) return;
  struct Order final : Events {
    void on_socket_opened(const SocketOpened& opened) override { born.insert(opened.connection.key); }
    void on_stream_data(const StreamData& data) override {
      if (data.pid < first_pid || data.pid > last_pid || !data.has_position) return;
      if (!born.contains(data.key)) ++before_birth;
      if (dead.contains(data.key)) ++after_death;
      ++records;
    }
    void on_socket_closed(const SocketClosed& closed) override { dead.insert(closed.key); }
    std::set<SocketKey> born, dead;
    std::uint32_t first_pid = 0, last_pid = 0;
    int before_birth = 0, after_death = 0, records = 0;
  };
  // Twice as many talkers as there are CPUs: each is now and then put aside in the midst of writing a record.
  std::vector<pid_t> children;
  for (long i = 0; i < 2 * sysconf(_SC_NPROCESSORS_ONLN); ++i) {
    children.push_back(start([] {
      for (int round = 0; round < 300; ++round) {
        const Pair pair;
        write_all(pair.client, pattern(3000));
        read_exactly(pair.server, 3000);
      }
    }));
  }
  Order order;
  order.first_pid = static_cast<std::uint32_t>(*std::min_element(children.begin(), children.end()));
  order.last_pid = static_cast<std::uint32_t>(*std::max_element(children.begin(), children.end()));
  watch_->relay_to(&order);
  for (const pid_t child : children) {
    while (waitpid(child, nullptr, WNOHANG) == 0) watch_->drain();
  }
  told(0);
  EXPECT_GE(order.records, 2 * 300 * static_cast<int>(children.size()));
  EXPECT_EQ(order.before_birth, 0);
  EXPECT_EQ(order.after_death, 0);
}

// How many loaded programs use a map.
int users_of(int map) {
  bpf_map_info map_info{};
  std::uint32_t size = sizeof map_info;
  if (bpf_map_get_info_by_fd(map, &map_info, &size) != 0) return -1;
  int users = 0;
  for (std::uint32_t id = 0; bpf_prog_get_next_id(id, &id) == 0;) {
    const int program = bpf_prog_get_fd_by_id(id);
    if (program < 0) continue;
    std::array<std::uint32_t, 64> maps{};
    bpf_prog_info info{};
    info.nr_map_ids = maps.size();
    info.map_ids = reinterpret_cast<std::uint64_t>(maps.data());
    size = sizeof info;
    if (bpf_prog_get_info_by_fd(program, &info, &size) == 0)
      users += static_cast<int>(
          std::count(maps.begin(), maps.begin() + std::min<std::size_t>(info.nr_map_ids, maps.size()), map_info.id));
    ::close(program);
  }
  return users;
}

TEST_P(TcpLossesOn, LeavesNoProgramBehind) {
  if (!open()) return;
  EXPECT_GT(users_of(watch_->rings().control()), 0);
  watch_->close();
  EXPECT_TRUE(watch_->until([&] { return users_of(watch_->rings().control()) == 0; }));
}

TEST(TcpSensor, RefusesARungThatItDoesNotHave) {
  auto rings = bpf::Rings::make(4096, 4096);
  ASSERT_TRUE(rings) << rings.error().message;
  Heard heard;
  Settings settings;
  settings.rung = "telepathy";
  bpf::LadderReport report;
  const auto sensor = tcp_descriptor.open(Context{*rings, heard, settings, 0}, report);
  ASSERT_FALSE(sensor);
  EXPECT_THAT(sensor.error().message, ::testing::HasSubstr("fentry, tracepoint, kprobe, syscall"));
}

}  // namespace
}  // namespace subfloor::sensors::testing_tcp
