// SPDX-License-Identifier: Apache-2.0
#include "streams/datagrams.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "protocols/dns/testing.h"

namespace subfloor::streams {
namespace {

using namespace protocols::dns::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Nanoseconds second = 1'000'000'000;

Address end(std::uint8_t last, std::uint16_t port) {
  return {.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, last}, .port = port};
}

class Heard final : public CallReceiver {
 public:
  void on_call(Call& call, const Connection& connection, std::uint32_t pid, std::uint32_t peer_pid) override {
    lines.push_back(summary(call) + " " + connection.local.text() + " " + connection.remote.text() + " pid " +
                    std::to_string(pid) + " peer " + std::to_string(peer_pid));
    last = connection;
  }
  std::vector<std::string> lines;
  Connection last;
};

class DatagramFlows : public ::testing::Test {
 protected:
  static Settings settings(bool on_the_wire = false) {
    static const protocols::Descriptor* const all[] = {&protocols::dns_descriptor};
    return {.protocols = all, .on_the_wire = on_the_wire};
  }
  void pass(Datagrams& to, SocketKey key, bool outbound, const Address& local, const Address& remote,
            const std::string& bytes, std::uint32_t pid = 0) {
    now += 1'000'000;
    to.on_datagram({.key = key,
                    .local = local,
                    .remote = remote,
                    .net_namespace = 9,
                    .outbound = outbound,
                    .bytes = bytes,
                    .length = bytes.size(),
                    .when = now,
                    .pid = pid});
  }
  void ask(SocketKey key, const Address& local, const Address& remote, const std::string& bytes,
           std::uint32_t pid = 7) {
    pass(datagrams, key, true, local, remote, bytes, pid);
  }
  void answer(SocketKey key, const Address& local, const Address& remote, const std::string& bytes) {
    pass(datagrams, key, false, local, remote, bytes);
  }

  const Address client = end(1, 40000), server = end(1, 53), second_server = end(2, 53);
  Nanoseconds now = 100 * second;
  Heard heard;
  Datagrams datagrams{settings(), heard, {.flows = 4}};
};

TEST_F(DatagramFlows, GiveTheCallsOfASocket) {
  ask(1, client, server, query(1, "h"));
  answer(1, client, server, response(1, "h"));
  EXPECT_THAT(heard.lines, ElementsAre("client A h 0 127.0.0.1:40000 127.0.0.1:53 pid 7 peer 0"));
  EXPECT_EQ(heard.last.transport, Transport::udp);
  EXPECT_EQ(heard.last.opened, 100 * second + 1'000'000);
  EXPECT_EQ(heard.last.net_namespace, 9U);
}

TEST_F(DatagramFlows, TellOnesSocketsPeersApart) {
  ask(1, client, server, query(1, "h"));
  ask(1, client, second_server, query(1, "h"));
  answer(1, client, second_server, response(1, "h", 1, {}, 3));
  EXPECT_THAT(heard.lines, ElementsAre("client A h 3 !NXDOMAIN 127.0.0.1:40000 127.0.0.2:53 pid 7 peer 0"));
  EXPECT_EQ(datagrams.size(), 2U);
}

TEST_F(DatagramFlows, KnowWhoIsAtTheOtherEndOnThisHost) {
  ask(1, client, server, query(1, "h"), 7);
  answer(2, server, client, query(1, "h"));  // nobody knows yet who serves
  pass(datagrams, 2, true, server, client, response(1, "h"), 8);
  answer(1, client, server, response(1, "h"));
  EXPECT_THAT(heard.lines, ElementsAre("server A h 0 127.0.0.1:53 127.0.0.1:40000 pid 8 peer 7",
                                       "client A h 0 127.0.0.1:40000 127.0.0.1:53 pid 7 peer 8"));
}

TEST_F(DatagramFlows, EndWithTheirSocket) {
  ask(1, client, server, query(1, "h"));
  ask(1, client, second_server, query(1, "h"));
  ask(2, end(1, 40001), server, query(1, "h"));
  datagrams.on_closed(1, now + 2 * second);
  EXPECT_EQ(datagrams.size(), 1U);
  EXPECT_EQ(heard.lines.size(), 2U);
  datagrams.on_closed(3, now);
}

TEST_F(DatagramFlows, GiveUpQueriesThatNobodyAnswers) {
  ask(1, client, server, query(1, "h"));
  datagrams.tick(now + 5 * second);
  EXPECT_THAT(heard.lines,
              ElementsAre("client A h none !timeout ~no_response 127.0.0.1:40000 127.0.0.1:53 pid 7 peer 0"));
}

TEST_F(DatagramFlows, GoWhenTheyAreIdle) {
  ask(1, client, server, query(1, "h"));
  answer(1, client, server, response(1, "h"));
  datagrams.tick(now + 29 * second);
  EXPECT_EQ(datagrams.size(), 1U);
  datagrams.tick(now + 30 * second);
  EXPECT_EQ(datagrams.size(), 0U);
}

TEST_F(DatagramFlows, AreBoundedAndTheIdleGoFirst) {
  for (std::uint16_t i = 0; i < 4; ++i) ask(1, end(1, 40000 + i), server, query(i, "h"));
  answer(1, end(1, 40002), server, response(2, "h"));
  ask(1, end(1, 40004), server, query(4, "h"));
  EXPECT_EQ(datagrams.size(), 4U);
  EXPECT_EQ(datagrams.counters().evicted, 0U);
  ask(1, end(1, 40005), server, query(5, "h"));
  EXPECT_EQ(datagrams.size(), 4U);
  EXPECT_EQ(datagrams.counters().evicted, 1U);
  EXPECT_EQ(heard.lines.back(), "client A h none ~lost ~no_response 127.0.0.1:40000 127.0.0.1:53 pid 7 peer 0");
}

TEST_F(DatagramFlows, LeaveOutWhatIsNoProtocolAndWhatGoesToAGroup) {
  ask(1, client, server, "hello");
  ask(1, client, {.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 224, 0, 0, 251}, .port = 5353}, query(0, "h.local"));
  ask(1, client, {.ip = {0xff, 2}, .port = 5353}, query(0, "h.local"));
  EXPECT_EQ(datagrams.size(), 0U);
  EXPECT_EQ(datagrams.counters().unknown, 3U);
}

TEST_F(DatagramFlows, DoNotCallATimeoutWhatMayHaveBeenLost) {
  ask(1, client, server, query(1, "h"));
  datagrams.on_datagram({.key = 2, .local = client, .remote = second_server, .when = now, .lost_before = true});
  datagrams.tick(now + 6 * second);
  EXPECT_THAT(heard.lines, ElementsAre("client A h none ~lost ~no_response 127.0.0.1:40000 127.0.0.1:53 pid 7 peer 0"));
}

TEST_F(DatagramFlows, MarkAnswersToWhatWasAskedBeforeTheBeginning) {
  datagrams.tick(now);
  answer(1, client, server, response(1, "h"));
  EXPECT_THAT(heard.lines, ElementsAre("client A h 0 ~joined_late 127.0.0.1:40000 127.0.0.1:53 pid 0 peer 0"));
  now += 5 * second;
  answer(2, end(1, 40001), server, response(1, "h"));
  EXPECT_EQ(heard.lines.size(), 1U);
}

TEST_F(DatagramFlows, OnTheWireAreTheServers) {
  Datagrams wire(settings(true), heard);
  pass(wire, 0, true, client, end(1, 50000), query(1, "h"));  // the lower port was taken for the server's
  pass(wire, 0, false, client, end(1, 50000), response(1, "h"));
  EXPECT_THAT(heard.lines, ElementsAre("server A h 0 127.0.0.1:50000 127.0.0.1:40000 pid 0 peer 0"));
}

TEST_F(DatagramFlows, CountWhatIsUnanswered) {
  ask(1, client, server, query(1, "h"));
  std::map<const Family*, std::array<std::size_t, 2>> active;
  datagrams.add_active(active);
  ASSERT_EQ(active.size(), 1U);
  EXPECT_EQ(active.begin()->first->name, "dns");
  EXPECT_EQ(active.begin()->second[static_cast<std::size_t>(Kind::client)], 1U);
}

TEST_F(DatagramFlows, TellAtTheEndOfWhatIsUnanswered) {
  ask(1, client, server, query(1, "h"));
  datagrams.finish(now + 1);
  EXPECT_EQ(datagrams.size(), 0U);
  EXPECT_EQ(heard.lines.size(), 1U);
}

}  // namespace
}  // namespace subfloor::streams
