// SPDX-License-Identifier: Apache-2.0
// Whose the bytes are, and between whom, on each rung: processes, addresses, births and ends.
#include <gmock/gmock.h>
#include <linux/filter.h>

#include "sensors/tcp/testing.h"

namespace subfloor::sensors::testing_tcp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr bool in = false, out = true;

using TcpSocketsOn = TcpSensorOn;

INSTANTIATE_TEST_SUITE_P(EachRung, TcpSocketsOn, ::testing::ValuesIn(rungs), name_of_rung);

TEST_P(TcpSocketsOn, NamesTheProcessThatMovesTheBytesOfASharedSocket) {
  if (!open()) return;
  const Pair pair;
  const auto first = in_child([&] { write_all(pair.client, "first"); });
  const auto second = in_child([&] { write_all(pair.client, "second"); });
  const auto reader = in_child([&] { must(read_exactly(pair.server, 11) == "firstsecond"); });
  const auto sent = told(pair.client_key).of(out);
  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_EQ(sent[0].head.pid, first);
  EXPECT_EQ(sent[1].head.pid, second);
  EXPECT_THAT(told(pair.server_key).pids(in), ElementsAre(reader));
}

TEST_P(TcpSocketsOn, LeavesOutTheProcessThatOpenedIt) {
  if (!open()) return;
  const Pair pair;
  write_all(pair.client, "own");
  read_exactly(pair.server, 3);
  EXPECT_THAT(told(pair.client_key).data, IsEmpty());
  EXPECT_THAT(told(pair.server_key).data, IsEmpty());
}

TEST_P(TcpSocketsOn, TellsAddressesAndSidesOfNewConnections) {
  if (!open()) return;
  const std::pair<Over, std::string> kinds[] = {
      {Over::ipv4, "127.0.0.1:"}, {Over::ipv6, "[::1]:"}, {Over::v4_mapped, "127.0.0.1:"}};
  struct stat net{};
  ASSERT_EQ(stat("/proc/self/ns/net", &net), 0);
  for (const auto& [over, ip] : kinds) {
    const Pair pair(over);
    in_child([&] {
      write_all(pair.client, "hello");
      must(read_exactly(pair.server, 5) == "hello");
    });
    const Told& client = told(pair.client_key);
    const Told& server = told(pair.server_key);
    ASSERT_THAT(client.opened, SizeIs(1));
    ASSERT_THAT(server.opened, SizeIs(1));
    const std::string client_address = ip + std::to_string(pair.client_port);
    const std::string server_address = ip + std::to_string(pair.server_port);
    EXPECT_EQ(client.opened[0].connection.local.text(), client_address);
    EXPECT_EQ(client.opened[0].connection.remote.text(), server_address);
    EXPECT_EQ(server.opened[0].connection.local.text(), server_address);
    EXPECT_EQ(server.opened[0].connection.remote.text(), client_address);
    for (const Told* told : {&client, &server}) {
      EXPECT_EQ(told->opened[0].connection.transport, Transport::tcp);
      EXPECT_EQ(told->opened[0].connection.net_namespace, net.st_ino);
      EXPECT_FALSE(told->opened[0].connection.joined_late);
      EXPECT_GT(told->opened[0].connection.opened, 0U);
      EXPECT_TRUE(told->opened[0].side_known);
    }
    EXPECT_FALSE(client.opened[0].listening_side);
    EXPECT_TRUE(server.opened[0].listening_side);
    EXPECT_EQ(client.opened[0].pid, static_cast<std::uint32_t>(getpid())) << "who connected, before a byte has moved";
    EXPECT_EQ(server.opened[0].pid, 0U) << "nobody has accepted it yet";
    EXPECT_EQ(client.text(out), "hello");
    EXPECT_EQ(server.text(in), "hello");
  }
}

TEST_P(TcpSocketsOn, TellsOfTheCloseHowFarBothDirectionsCame) {
  if (!open()) return;
  Pair pair;
  in_child([&] {
    write_all(pair.client, pattern(100));
    read_exactly(pair.server, 100);
    write_all(pair.server, pattern(30));
    read_exactly(pair.client, 30);
    must(shutdown(pair.client, SHUT_WR) == 0);
    char byte;
    must(read(pair.server, &byte, 1) == 0);  // the server reads the end, the client never does
  });
  pair.close();
  ASSERT_TRUE(
      watch_->until([&] { return !told(pair.client_key).closed.empty() && !told(pair.server_key).closed.empty(); }));
  const Told& client = told(pair.client_key);
  const Told& server = told(pair.server_key);
  ASSERT_THAT(client.closed, SizeIs(1));
  ASSERT_THAT(server.closed, SizeIs(1));
  ASSERT_TRUE(client.closed[0].has_positions && server.closed[0].has_positions);
  // The end of a stream takes a number of its own: where it was sent, or read.
  EXPECT_EQ(client.closed[0].outbound_position - client.base(out), 101U);
  EXPECT_EQ(client.closed[0].inbound_position - client.base(in), 30U);
  EXPECT_EQ(server.closed[0].inbound_position - server.base(in), 101U);
  EXPECT_EQ(server.closed[0].outbound_position - server.base(out), 31U);
  EXPECT_GT(client.closed[0].srtt_us, 0U);
  EXPECT_LT(client.closed[0].srtt_us, 10'000'000U);
  EXPECT_GE(client.closed[0].when, client.opened.at(0).connection.opened);
}

TEST_P(TcpSocketsOn, TakesStockOfSocketsOlderThanItself) {
  struct Keys {
    SocketKey client, server, unix_client;
  };
  Shared<Keys> keys;
  int ready[2], go[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(go), 0);
  const pid_t child = start([&] {
    const Pair pair, local(Over::unix_pair);
    *keys = {pair.client_key, pair.server_key, local.client_key};
    write_all(pair.client, "unseen");
    read_exactly(pair.server, 6);
    write_all(ready[1], "r");
    read_exactly(go[0], 1);
    write_all(pair.client, "seen");
    must(read_exactly(pair.server, 4) == "seen");
  });
  read_exactly(ready[0], 1);
  const bool opened = open();
  if (opened) {
    const auto stock = watch_->sensor().take_stock();
    EXPECT_TRUE(stock) << stock.error().message;
    for (const SocketKey key : {keys->client, keys->server, keys->unix_client}) {
      const Told& told = watch_->heard().sockets[key];
      EXPECT_THAT(told.opened, SizeIs(1));
      if (told.opened.empty()) continue;
      EXPECT_TRUE(told.opened[0].connection.joined_late);
      EXPECT_EQ(told.opened[0].connection.opened, 0U);
      EXPECT_EQ(told.opened[0].pid, static_cast<std::uint32_t>(child));
      EXPECT_FALSE(told.opened[0].side_known);
    }
  }
  write_all(go[1], "g");
  end_of(child);
  for (const int fd : {ready[0], ready[1], go[0], go[1]}) ::close(fd);
  if (!opened) return;
  EXPECT_EQ(told(keys->client).opened.at(0).connection.local.ip_text(), "127.0.0.1");
  EXPECT_EQ(told(keys->unix_client).opened.at(0).connection.transport, Transport::unix_stream);
  EXPECT_EQ(told(keys->client).text(out), "seen");
  EXPECT_EQ(told(keys->server).text(in), "seen");
}

TEST_P(TcpSocketsOn, HearsOnlyThePortsItWasGiven) {
  // A port that is free now and taken by the wanted pair next cannot be had: so the sensor is given that of a pair made
  // before.
  Pair wanted, unwanted;
  Settings settings;
  settings.ports = {wanted.server_port};
  if (!open(settings)) return;
  const auto stock = watch_->sensor().take_stock();
  ASSERT_TRUE(stock) << stock.error().message;
  in_child([&] {
    for (const Pair* pair : {&wanted, &unwanted}) {
      write_all(pair->client, "hello");
      must(read_exactly(pair->server, 5) == "hello");
    }
  });
  EXPECT_EQ(told(wanted.client_key).text(out), "hello");
  EXPECT_EQ(told(wanted.server_key).text(in), "hello");
  for (const SocketKey key : {unwanted.client_key, unwanted.server_key}) {
    EXPECT_THAT(told(key).data, IsEmpty());
    EXPECT_THAT(told(key).opened, IsEmpty());
  }
  wanted.close();
  EXPECT_TRUE(watch_->until(
      [&] { return !told(wanted.client_key).closed.empty() && !told(wanted.server_key).closed.empty(); }));
}

// The receiver's own filter drops what arrives: no other means of losing a packet is in every kernel.
TEST_P(TcpSocketsOn, TellsOfSegmentsThatAreSentAgain) {
  if (!open()) return;
  Pair pair;
  sock_filter nothing = {.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
  const sock_fprog program{1, &nothing};
  ASSERT_EQ(setsockopt(pair.server, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
  in_child([&] { write_all(pair.client, "lost, and found"); });
  ASSERT_TRUE(watch_->until([&] { return told(pair.client_key).retransmits > 0; }));
  const int ignored = 0;
  ASSERT_EQ(setsockopt(pair.server, SOL_SOCKET, SO_DETACH_FILTER, &ignored, sizeof ignored), 0);
  in_child([&] { must(read_exactly(pair.server, 15) == "lost, and found"); });
  EXPECT_EQ(told(pair.client_key).text(out), "lost, and found");
  EXPECT_THAT(told(pair.client_key).of(out), SizeIs(1));
  EXPECT_EQ(told(pair.server_key).text(in), "lost, and found");
  EXPECT_EQ(told(pair.server_key).retransmits, 0U);
  pair.close();
  ASSERT_TRUE(watch_->until([&] { return !told(pair.client_key).closed.empty(); }));
  EXPECT_GT(told(pair.client_key).closed[0].retransmits, 0U);
}

}  // namespace
}  // namespace subfloor::sensors::testing_tcp
