// SPDX-License-Identifier: Apache-2.0
#include "capture/connections.h"

#include <gmock/gmock.h>

#include "capture/testing.h"

namespace subfloor::capture::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Address host(std::uint8_t last, std::uint16_t port) {
  return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last}, port};
}

constexpr Nanoseconds ms = 1'000'000, second = 1000 * ms;

class ConnectionsTest : public ::testing::Test {
 protected:
  // One segment; from the client (10.0.0.1:40000) to the server (10.0.0.2:80) or back.
  void send(bool by_client, std::string_view flags, std::uint32_t sequence, std::uint32_t acknowledged,
            std::string_view payload = "", std::uint64_t length = 0) {
    now += ms;
    const auto has = [&](char flag) { return flags.find(flag) != std::string_view::npos; };
    TcpSegment segment{.time = now,
                       .source = by_client ? client : server,
                       .destination = by_client ? server : client,
                       .sequence = sequence,
                       .acknowledged = acknowledged,
                       .syn = has('S'),
                       .ack = has('A'),
                       .fin = has('F'),
                       .reset = has('R'),
                       .payload = {payload, std::max<std::uint64_t>(length, payload.size())}};
    connections.on_tcp(segment);
  }
  void from_client(std::string_view flags, std::uint32_t sequence, std::uint32_t acknowledged,
                   std::string_view payload = "", std::uint64_t length = 0) {
    send(true, flags, sequence, acknowledged, payload, length);
  }
  void from_server(std::string_view flags, std::uint32_t sequence, std::uint32_t acknowledged,
                   std::string_view payload = "", std::uint64_t length = 0) {
    send(false, flags, sequence, acknowledged, payload, length);
  }
  // The client's first byte is number 101, the server's 501.
  void shake_hands() {
    from_client("S", 100, 0);
    from_server("SA", 500, 101);
    from_client("A", 101, 501);
  }

  Address client = host(1, 40000), server = host(2, 80);
  Nanoseconds now = 1000 * second;
  Told told;
  Connections connections{told};
};

TEST_F(ConnectionsTest, TellsOfAConnectionFromTheServersSide) {
  shake_hands();
  EXPECT_THAT(told.lines, IsEmpty());  // nothing was said yet
  from_client("A", 101, 501, "ask");
  from_server("A", 501, 104, "answer");
  from_client("FA", 104, 507);
  from_server("FA", 507, 105);
  from_client("A", 105, 508);
  EXPECT_THAT(told.lines, ElementsAre("open 1 10.0.0.2:80 < 10.0.0.1:40000", "1 in 3 ask", "1 out 6 answer",
                                      "close 1 at 1000007000000"));
  EXPECT_EQ(told.positions, std::make_pair(101U, 501U));
  EXPECT_THAT(told.times, ElementsAre(1000004 * ms, 1000005 * ms));
  EXPECT_EQ(connections.counters().after_close, 1U);
  EXPECT_EQ(connections.counters().joined_late, 0U);
}

TEST_F(ConnectionsTest, KnowsTheServerByTheSynWhicheverPortIsLower) {
  client = host(1, 22);
  server = host(2, 50000);
  shake_hands();
  from_client("A", 101, 501, "ask");
  EXPECT_THAT(told.lines, ElementsAre("open 1 10.0.0.2:50000 < 10.0.0.1:22", "1 in 3 ask"));
}

TEST_F(ConnectionsTest, KnowsABeginningOfWhichOnlyTheAnswerWasCaptured) {
  from_server("SA", 500, 101);
  from_client("A", 101, 501, "ask");
  EXPECT_THAT(told.lines, ElementsAre("open 1 10.0.0.2:80 < 10.0.0.1:40000", "1 in 3 ask"));
}

TEST_F(ConnectionsTest, JoinsInTheMiddle) {
  from_server("A", 9000, 300, "rest of something");
  from_client("A", 300, 9017, "ask");
  EXPECT_THAT(told.lines,
              ElementsAre("open 1 10.0.0.2:80 < 10.0.0.1:40000 late", "1 out 17 rest of something", "1 in 3 ask"));
  EXPECT_EQ(connections.counters().joined_late, 1U);
}

TEST_F(ConnectionsTest, DoesNotTakeAKeepAliveOfAnOldConnectionForData) {
  from_server("A", 9000, 300);
  from_client("A", 299, 9000, "\0");  // one byte that was acknowledged long ago
  from_client("A", 300, 9000, "ask");
  EXPECT_THAT(told.lines, ElementsAre("open 1 10.0.0.2:80 < 10.0.0.1:40000 late", "1 in 3 ask"));
}

TEST_F(ConnectionsTest, PutsSegmentsInOrderAndDropsCopies) {
  shake_hands();
  from_client("A", 104, 501, "def");
  from_client("A", 104, 501, "DEF");
  from_client("A", 101, 501, "abc");
  from_client("A", 101, 501, "abcdef");
  EXPECT_THAT(told.lines, ElementsAre("open 1 10.0.0.2:80 < 10.0.0.1:40000", "1 in 3 abc", "1 in 3 def"));
  EXPECT_EQ(connections.counters().out_of_order, 1U);
  EXPECT_EQ(connections.counters().seen_before, 2U);
  EXPECT_THAT(told.times, ElementsAre(1000006 * ms, 1000004 * ms));  // each has its own time
}

TEST_F(ConnectionsTest, FollowsSequenceNumbersThatWrap) {
  from_client("S", 0xfffffffd, 0);
  from_server("SA", 0xffffffff, 0xfffffffe);
  from_client("A", 0xfffffffe, 0, "abcd");
  from_server("A", 0, 2, "xyz");
  from_client("A", 2, 3, "ef");
  EXPECT_THAT(told.lines,
              ElementsAre("open 1 10.0.0.2:80 < 10.0.0.1:40000", "1 in 4 abcd", "1 out 3 xyz", "1 in 2 ef"));
}

TEST_F(ConnectionsTest, TellsOfAGapOnceTheReceiverHasAcknowledgedIt) {
  shake_hands();
  from_client("A", 101, 501, "ab");
  from_client("A", 110, 501, "kl");
  EXPECT_EQ(told.lines.size(), 2U);
  from_server("A", 501, 112);
  EXPECT_EQ(told.lines.size(), 2U);  // it may only have been captured out of order
  now += 10 * ms;
  from_server("A", 501, 112);
  EXPECT_THAT(told.lines, ElementsAre("open 1 10.0.0.2:80 < 10.0.0.1:40000", "1 in 2 ab", "1 in 7 -", "1 in 2 kl"));
  EXPECT_EQ(connections.counters().gaps, 1U);
  EXPECT_EQ(connections.counters().bytes_missing, 7U);
}

TEST_F(ConnectionsTest, WaitsForBytesThatWereAcknowledgedABitBeforeTheyWereCaptured) {
  shake_hands();
  from_server("A", 501, 104);
  from_client("A", 101, 501, "abc");
  now += 10 * ms;
  from_client("A", 104, 501, "d");
  EXPECT_THAT(told.lines, ElementsAre("open 1 10.0.0.2:80 < 10.0.0.1:40000", "1 in 3 abc", "1 in 1 d"));
  EXPECT_EQ(connections.counters().gaps, 0U);
}

TEST_F(ConnectionsTest, TellsOfADirectionThatWasNotCaptured) {
  shake_hands();
  from_client("A", 101, 501, "ask");
  from_client("A", 104, 901, "again");
  now += 10 * ms;
  from_client("A", 109, 901, "!");
  EXPECT_THAT(told.lines, ElementsAre("open 1 10.0.0.2:80 < 10.0.0.1:40000", "1 in 3 ask", "1 in 5 again", "1 in 1 !",
                                      "1 out 400 -"));
}

TEST_F(ConnectionsTest, TakesNoUncapturedFinForAMissingByte) {
  shake_hands();
  from_server("A", 501, 101, "bye");
  now += 10 * ms;
  from_client("FA", 101, 505);  // 504, and the FIN that was not captured
  now += second;
  from_client("FA", 101, 505);
  EXPECT_EQ(connections.counters().gaps, 0U);
}

TEST_F(ConnectionsTest, GivesWhatIsHeldWhenAConnectionIsReset) {
  shake_hands();
  from_client("A", 101, 501, "ab");
  from_client("A", 105, 501, "ef");
  from_server("R", 501, 0);
  EXPECT_THAT(told.lines, ElementsAre("open 1 10.0.0.2:80 < 10.0.0.1:40000", "1 in 2 ab", "1 in 2 -", "1 in 2 ef",
                                      "close 1 at 1000006000000"));
}

TEST_F(ConnectionsTest, IgnoresAResetThatNoWindowAllows) {
  shake_hands();
  from_client("A", 101, 501, "ab");
  from_server("R", 0x70000000, 0);
  from_client("A", 103, 501, "cd");
  EXPECT_EQ(told.lines.back(), "1 in 2 cd");
  EXPECT_EQ(connections.counters().out_of_place, 1U);
}

TEST_F(ConnectionsTest, IgnoresDataThatNoWindowAllows) {
  shake_hands();
  from_client("A", 101, 501, "ab");
  from_client("A", 0x7fff0000, 501, "far away");
  from_client("A", 103, 501, "cd");
  EXPECT_EQ(told.lines.back(), "1 in 2 cd");
  EXPECT_EQ(connections.counters().out_of_place, 1U);
}

TEST_F(ConnectionsTest, WaitsForBothEndsToClose) {
  shake_hands();
  from_client("FA", 101, 501, "ask");
  from_server("A", 501, 105, "answer");
  EXPECT_EQ(told.lines.back(), "1 out 6 answer");
  from_server("FA", 507, 105);
  EXPECT_EQ(told.lines.back(), "close 1 at 1000006000000");
}

TEST_F(ConnectionsTest, BeginsAnewWhereTheSamePortsAreUsedAgain) {
  shake_hands();
  from_client("A", 101, 501, "first");
  from_client("S", 7000, 0);  // the close was not captured
  from_server("SA", 8000, 7001);
  from_client("A", 7001, 8001, "second");
  EXPECT_THAT(told.lines, ElementsAre("open 1 10.0.0.2:80 < 10.0.0.1:40000", "1 in 5 first", "close 1 at 1000005000000",
                                      "open 2 10.0.0.2:80 < 10.0.0.1:40000", "2 in 6 second"));
  from_client("R", 7007, 0);
  from_client("S", 20000, 0);  // and after a close
  from_server("SA", 30000, 20001);
  from_client("A", 20001, 30001, "third");
  EXPECT_EQ(told.lines.back(), "3 in 5 third");
}

TEST_F(ConnectionsTest, TakesARepeatedSynForTheSameConnection) {
  from_client("S", 100, 0);
  from_client("S", 100, 0);
  from_server("SA", 500, 101);
  from_server("SA", 500, 101);
  from_client("A", 101, 501, "ask");
  from_server("SA", 500, 101);
  from_client("A", 104, 501, "more");
  EXPECT_THAT(told.lines, ElementsAre("open 1 10.0.0.2:80 < 10.0.0.1:40000", "1 in 3 ask", "1 in 4 more"));
  EXPECT_EQ(connections.counters().connections, 1U);
}

TEST_F(ConnectionsTest, GivesDataOfASynOnceTheBeginningsOfBothAreKnown) {
  from_client("S", 100, 0, "early");
  EXPECT_THAT(told.lines, IsEmpty());
  from_server("SA", 500, 106);
  EXPECT_THAT(told.lines, ElementsAre("open 1 10.0.0.2:80 < 10.0.0.1:40000", "1 in 5 early"));
  EXPECT_EQ(told.positions, std::make_pair(101U, 501U));
}

TEST_F(ConnectionsTest, SaysNothingOfConnectionsThatWereRefused) {
  from_client("S", 100, 0);
  from_server("RA", 0, 101);
  EXPECT_THAT(told.lines, IsEmpty());
  from_client("S", 900, 0);
  from_server("SA", 500, 901);
  from_client("A", 901, 501, "ask");
  EXPECT_EQ(told.lines.back(), "2 in 3 ask");
}

TEST_F(ConnectionsTest, GivesTheLengthOfWhatWasNotCaptured) {
  shake_hands();
  from_client("A", 101, 501, "ab", 1000);
  from_client("A", 1101, 501, "", 500);
  EXPECT_THAT(told.lines, ElementsAre("open 1 10.0.0.2:80 < 10.0.0.1:40000", "1 in 1000 ab", "1 in 500 -"));
}

TEST_F(ConnectionsTest, GivesWhatIsHeldAtTheEndOfTheCapture) {
  shake_hands();
  from_client("A", 105, 501, "ef");
  connections.finish();
  EXPECT_THAT(told.lines, ElementsAre("open 1 10.0.0.2:80 < 10.0.0.1:40000", "1 in 4 -", "1 in 2 ef"));
}

TEST_F(ConnectionsTest, EndsAConnectionThatWasIdleForAnHour) {
  shake_hands();
  from_client("A", 101, 501, "ask");
  now += 3601 * second;
  client = host(3, 1);
  from_client("S", 1, 0);
  EXPECT_EQ(told.lines.back(), "close 1 at 1000004000000");
  EXPECT_EQ(connections.counters().expired, 1U);
}

TEST(ConnectionLimits, HoldOnConnectionsAndBytes) {
  Told told;
  Connections connections(told, {.open = 10, .closed = 3, .held_each = 2000, .held_all = 5000});
  const std::string payload(300, 'x');
  for (std::uint16_t port = 1; port <= 100; ++port) {
    for (std::uint32_t i = 0; i < 20; ++i) {
      TcpSegment segment;
      segment.time = port;
      segment.source = host(1, port);
      segment.destination = host(2, 80);
      segment.ack = true;
      segment.sequence = i == 0 ? 1 : 1000 * i;
      segment.payload = {payload, payload.size()};
      connections.on_tcp(segment);
      ASSERT_LE(connections.size(), 13U);
      ASSERT_LE(connections.bytes_held(), 5000U);
    }
  }
  EXPECT_EQ(connections.counters().evicted, 90U);
  EXPECT_GT(connections.counters().gaps, 0U);
  EXPECT_THAT(told.lines, Contains("close 90 at 90"));
}

TEST(ConnectionsUdp, TellDatagramsAsIfByTheEndWithTheLowerPort) {
  class Heard final : public sensors::Events {
   public:
    void on_datagram(const sensors::Datagram& d) override {
      lines.push_back(fmt::format("{} {} {} {}", d.local.text(), d.outbound ? ">" : "<", d.remote.text(), d.bytes));
    }
    std::vector<std::string> lines;
  } heard;
  Connections connections(heard);
  PacketDecoder decoder(1, connections);
  for (const auto& [from, to] : {std::pair(40000, 53), std::pair(53, 40000)}) {
    const std::string frame = testing::ethernet(
        testing::ipv4(testing::udp(static_cast<std::uint16_t>(from), static_cast<std::uint16_t>(to), "hello"), 17));
    decoder.on_packet({.time = 5, .content = {frame, frame.size()}});
  }
  EXPECT_THAT(heard.lines,
              ::testing::ElementsAre("10.0.0.2:53 < 10.0.0.1:40000 hello", "10.0.0.1:53 > 10.0.0.2:40000 hello"));
}

}  // namespace
}  // namespace subfloor::capture::testing
