// SPDX-License-Identifier: Apache-2.0
#include "sensors/udp/decoder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace subfloor::sensors {
namespace {

class Heard final : public Events {
 public:
  void on_datagram(const Datagram& datagram) override {
    datagrams.push_back(datagram);
    bytes.emplace_back(datagram.bytes);
  }
  void on_socket_closed(const SocketClosed& socket) override { closed = socket; }
  std::vector<Datagram> datagrams;
  std::vector<std::string> bytes;
  SocketClosed closed;
};

udp_datagram record(std::uint32_t captured, std::uint32_t lost = 0, std::uint16_t cpu = 0) {
  udp_datagram made{};
  made.header = {.time = 7, .size = 0, .sensor = 0, .kind = UDP_DATAGRAM, .cpu = cpu};
  made.key = 9;
  made.local.port = 53;
  made.length = 5;
  made.captured = captured;
  made.lost = lost;
  made.direction = UDP_DIRECTION_OUT;
  return made;
}

template <class Record>
bool decode(UdpDecoder& decoder, const Record& fixed, std::string_view tail = "") {
  std::string bytes(reinterpret_cast<const char*>(&fixed), sizeof fixed);
  bytes += tail;
  return decoder.decode(fixed.header, std::as_bytes(std::span(bytes)));
}

TEST(UdpDecoder, TellsOfDatagrams) {
  Heard heard;
  UdpDecoder decoder(heard);
  ASSERT_TRUE(decode(decoder, record(3), "abc"));
  const Datagram& told = heard.datagrams.at(0);
  EXPECT_EQ(told.key, 9U);
  EXPECT_EQ(told.local.port, 53);
  EXPECT_EQ(told.length, 5U);
  EXPECT_EQ(told.when, 7U);
  EXPECT_TRUE(told.outbound);
  EXPECT_FALSE(told.lost_before);
  EXPECT_EQ(heard.bytes.at(0), "abc");
}

TEST(UdpDecoder, TellsWhatWasLostOnEachCpuOnce) {
  Heard heard;
  UdpDecoder decoder(heard);
  const std::pair<std::uint32_t, std::uint16_t> told[] = {{0, 0}, {2, 0}, {2, 0}, {0, 1}, {1, 1}, {2, 0}};
  for (const auto& [lost, cpu] : told) ASSERT_TRUE(decode(decoder, record(0, lost, cpu)));
  std::vector<bool> before;
  for (const Datagram& one : heard.datagrams) before.push_back(one.lost_before);
  EXPECT_EQ(before, (std::vector<bool>{false, true, false, false, true, false}));
}

TEST(UdpDecoder, TellsOfTheEndOfSockets) {
  Heard heard;
  UdpDecoder decoder(heard);
  ASSERT_TRUE(decode(decoder, udp_socket_close{.header = {8, 24, 0, UDP_SOCKET_CLOSE, 0}, .key = 9}));
  EXPECT_EQ(heard.closed.key, 9U);
  EXPECT_EQ(heard.closed.when, 8U);
}

TEST(UdpDecoder, RefusesRecordsThatAreNotWhatTheyPromise) {
  Heard heard;
  UdpDecoder decoder(heard);
  EXPECT_FALSE(decode(decoder, record(4), "abc"));     // fewer bytes than captured
  EXPECT_FALSE(decode(decoder, record(6), "abcdef"));  // more captured than sent
  udp_datagram sideways = record(0);
  sideways.direction = 2;
  EXPECT_FALSE(decode(decoder, sideways));
  EXPECT_FALSE(decoder.decode({.time = 0, .size = 0, .sensor = 0, .kind = 99, .cpu = 0}, {}));
  EXPECT_FALSE(decoder.decode({.time = 0, .size = 0, .sensor = 0, .kind = UDP_SOCKET_CLOSE, .cpu = 0}, {}));
  EXPECT_TRUE(heard.datagrams.empty());
}

}  // namespace
}  // namespace subfloor::sensors
