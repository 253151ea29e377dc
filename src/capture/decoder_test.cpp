// SPDX-License-Identifier: Apache-2.0
#include "capture/decoder.h"

#include <gmock/gmock.h>
#include <pcap/dlt.h>

#include "capture/link.h"
#include "capture/testing.h"

namespace subfloor::capture::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::string_literals;

const std::string hello = tcp({.payload = "hello"});
constexpr const char* hello_line = "tcp 10.0.0.1:40000 > 10.0.0.2:80 1+5 hello";
constexpr const char* hello6_line = "tcp [2001:db8::1]:40000 > [2001:db8::2]:80 1+5 hello";

class Decoder : public ::testing::Test {
 protected:
  void feed(std::string_view frame, std::uint64_t length = 0, Nanoseconds time = 1) {
    decoder.on_packet({time, {frame, std::max<std::uint64_t>(length, frame.size())}});
  }
  std::vector<std::string>& of_link(int link_type, std::string_view frame) {
    heard.lines.clear();
    PacketDecoder other(link_type, heard);
    other.on_packet({1, {frame, frame.size()}});
    return heard.lines;
  }

  Heard heard;
  PacketDecoder decoder{DLT_EN10MB, heard};
};

TEST_F(Decoder, ReadsTcpOverIpv4AndIpv6OnEthernet) {
  feed(ethernet(ipv4(hello)));
  feed(ethernet(ipv6(hello), 0x86dd));
  EXPECT_THAT(heard.lines, ElementsAre(hello_line, hello6_line));
  EXPECT_EQ(decoder.counters().tcp, 2U);
}

TEST_F(Decoder, PassesOverVlanTagsHoweverMany) {
  feed(ethernet(ipv4(hello), 0x0800, {0x8100}));
  feed(ethernet(ipv4(hello), 0x0800, {0x88a8, 0x8100}));
  feed(ethernet(ipv6(hello), 0x86dd, {0x9100, 0x8100, 0x8100}));
  EXPECT_THAT(heard.lines, ElementsAre(hello_line, hello_line, hello6_line));
}

TEST_F(Decoder, ReadsEveryLinkTypeItKnows) {
  const std::string four = ipv4(hello), six = ipv6(hello);
  EXPECT_THAT(of_link(DLT_RAW, four), ElementsAre(hello_line));
  EXPECT_THAT(of_link(DLT_RAW, six), ElementsAre(hello6_line));
  EXPECT_THAT(of_link(DLT_IPV4, four), ElementsAre(hello_line));
  EXPECT_THAT(of_link(DLT_IPV6, six), ElementsAre(hello6_line));
  EXPECT_THAT(of_link(DLT_LINUX_SLL, std::string(14, '\1') + be16(0x0800) + four), ElementsAre(hello_line));
  EXPECT_THAT(of_link(DLT_LINUX_SLL, std::string(14, '\1') + be16(0x8100) + be16(5) + be16(0x86dd) + six),
              ElementsAre(hello6_line));
  EXPECT_THAT(of_link(DLT_LINUX_SLL2, be16(0x0800) + std::string(18, '\1') + four), ElementsAre(hello_line));
  EXPECT_THAT(of_link(DLT_NULL, "\2\0\0\0"s + four), ElementsAre(hello_line));
  EXPECT_THAT(of_link(DLT_NULL, "\0\0\0\2"s + four), ElementsAre(hello_line));
  EXPECT_THAT(of_link(DLT_NULL, "\x1e\0\0\0"s + six), ElementsAre(hello6_line));
  EXPECT_THAT(of_link(DLT_LOOP, "\0\0\0\x18"s + six), ElementsAre(hello6_line));
  EXPECT_FALSE(known_link(DLT_IEEE802_11));
}

TEST_F(Decoder, LeavesOutThePaddingOfShortFrames) {
  feed(ethernet(ipv4(tcp({.payload = "x"}))) + std::string(20, '\0'));
  EXPECT_THAT(heard.lines, ElementsAre("tcp 10.0.0.1:40000 > 10.0.0.2:80 1+1 x"));
}

TEST_F(Decoder, KnowsTheLengthOfWhatTheSnapshotCutOff) {
  const std::string frame = ethernet(ipv4(hello));
  feed(frame.substr(0, frame.size() - 3), frame.size());
  feed(frame.substr(0, 14 + 20 + 20), frame.size());
  EXPECT_THAT(heard.lines,
              ElementsAre("tcp 10.0.0.1:40000 > 10.0.0.2:80 1+5 he", "tcp 10.0.0.1:40000 > 10.0.0.2:80 1+5 "));
  EXPECT_EQ(decoder.counters().truncated, 2U);
  feed(frame.substr(0, 14 + 20 + 19), frame.size());  // not even its header
  EXPECT_EQ(heard.lines.size(), 2U);
  EXPECT_EQ(decoder.counters().malformed, 1U);
}

TEST_F(Decoder, PassesOverOptionsAndExtensionHeaders) {
  feed(ethernet(ipv4(tcp({.payload = "hello", .options = std::string(12, '\1')}), 6, 7, 0, std::string(8, '\1'))));
  const std::string hop = "\x3c\0"s + std::string(6, '\0'), destination = "\x06\1"s + std::string(14, '\0');
  feed(ethernet(ipv6(hop + destination + hello, 0), 0x86dd));
  const std::string authentication = "\x06\4"s + std::string(22, '\0');
  feed(ethernet(ipv6(authentication + hello, 51), 0x86dd));
  EXPECT_THAT(heard.lines, ElementsAre(hello_line, hello6_line, hello6_line));
}

TEST_F(Decoder, TakesTheLengthOfTheFrameWhereTheHeaderHasNoRoomForIt) {
  std::string packet = ipv4(tcp({.payload = std::string(70000, 'x')}));
  packet[2] = packet[3] = '\0';
  feed(ethernet(packet));
  EXPECT_EQ(heard.lines.at(0).substr(0, 44), "tcp 10.0.0.1:40000 > 10.0.0.2:80 1+70000 xxx");
}

TEST_F(Decoder, CountsWhatItCannotRead) {
  feed(ethernet("arp", 0x0806));
  feed(ethernet(ipv4("icmp", 1)));
  EXPECT_EQ(decoder.counters().other, 2U);
  feed("short");
  feed(ethernet(ipv4(tcp({})).substr(0, 30)));
  std::string zero_header = tcp({});
  zero_header[12] = 0x40;
  feed(ethernet(ipv4(zero_header)));
  feed(ethernet(ipv6(std::string(17 * 8, '\0'), 0), 0x86dd));  // extension headers without end
  EXPECT_EQ(decoder.counters().malformed, 4U);
  EXPECT_THAT(heard.lines, IsEmpty());
}

TEST_F(Decoder, HandsOverDatagrams) {
  feed(ethernet(ipv4(udp(5353, 53, "question"), 17)));
  EXPECT_THAT(heard.lines, ElementsAre("udp 10.0.0.1:5353 > 10.0.0.2:53 question+8"));
}

TEST_F(Decoder, PutsFragmentsTogetherInAnyOrder) {
  const std::string whole = tcp({.payload = std::string(44, 'x') + "end"});
  feed(ethernet(ipv4(whole.substr(48), 6, 9, 6)));                           // the last part
  feed(ethernet(ipv4(whole.substr(0, 24), 6, 9, 0x2000)));                   // the first
  feed(ethernet(ipv4(whole.substr(0, 24), 6, 9, 0x2000)));                   // again
  EXPECT_THAT(heard.lines, IsEmpty());
  feed(ethernet(ipv4(whole.substr(24, 24), 6, 9, 0x2000 | 3)));
  EXPECT_THAT(heard.lines, ElementsAre("tcp 10.0.0.1:40000 > 10.0.0.2:80 1+47 " + std::string(44, 'x') + "end"));
  EXPECT_EQ(decoder.fragments().whole, 1U);
}

TEST_F(Decoder, PutsIpv6FragmentsTogetherAndReadsTheHeadersWithin) {
  const std::string whole = "\x06\0"s + std::string(6, '\0') + tcp({.payload = std::string(40, 'y')});
  feed(ethernet(ipv6(fragment_header(60, 0, true, 77) + whole.substr(0, 32), 44), 0x86dd));
  feed(ethernet(ipv6(fragment_header(60, 32, false, 78) + whole.substr(32), 44), 0x86dd));  // of another packet
  EXPECT_THAT(heard.lines, IsEmpty());
  feed(ethernet(ipv6(fragment_header(60, 32, false, 77) + whole.substr(32), 44), 0x86dd));
  EXPECT_THAT(heard.lines, ElementsAre("tcp [2001:db8::1]:40000 > [2001:db8::2]:80 1+40 " + std::string(40, 'y')));
  feed(ethernet(ipv6(fragment_header(6, 0, false, 5) + hello, 44), 0x86dd));  // one part that is the whole
  EXPECT_EQ(heard.lines.at(1), hello6_line);
  decoder.finish();
  EXPECT_EQ(decoder.fragments().incomplete, 1U);
}

TEST_F(Decoder, DiscardsPacketsWhosePartsOverlap) {
  const std::string whole = tcp({.payload = std::string(44, 'x')});
  feed(ethernet(ipv4(whole.substr(0, 32), 6, 9, 0x2000)));
  feed(ethernet(ipv4(std::string(40, 'z'), 6, 9, 3)));   // 24 to 64
  feed(ethernet(ipv4(whole.substr(32), 6, 9, 4)));       // what would have been right
  EXPECT_THAT(heard.lines, IsEmpty());
  EXPECT_EQ(decoder.fragments().overlapping, 1U);
}

TEST_F(Decoder, LosesTheContentBehindAFragmentThatWasCutShort) {
  const std::string whole = tcp({.payload = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"});
  const std::string first = ethernet(ipv4(whole.substr(0, 32), 6, 9, 0x2000));
  feed(first.substr(0, first.size() - 4), first.size());
  feed(ethernet(ipv4(whole.substr(32), 6, 9, 4)));
  EXPECT_THAT(heard.lines, ElementsAre("tcp 10.0.0.1:40000 > 10.0.0.2:80 1+36 01234567"));
}

TEST(FragmentsTest, HoldNoMoreThanTheirLimits) {
  Fragments fragments({.packets = 10, .bytes = 5000, .patience = 100});
  const std::string bytes(200, 'x');
  IpPacket part{.is_ipv4 = true, .protocol = 6, .payload = {bytes, bytes.size()}, .is_fragment = true, .more = true};
  for (part.id = 0; part.id < 100; ++part.id) {
    EXPECT_FALSE(fragments.add(part, 1));
    EXPECT_LE(fragments.bytes_held(), 5000U);
  }
  EXPECT_EQ(fragments.counters().incomplete, 90U);
  part.id = 1000;
  EXPECT_FALSE(fragments.add(part, 500));  // the patience with those before is over
  EXPECT_EQ(fragments.counters().incomplete, 100U);
}

}  // namespace
}  // namespace subfloor::capture::testing
