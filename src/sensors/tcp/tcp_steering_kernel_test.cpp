// SPDX-License-Identifier: Apache-2.0
// The running programs under steering, on each rung, and all rungs side by side.
#include <gmock/gmock.h>
#include <sys/uio.h>

#include "sensors/tcp/testing.h"

namespace subfloor::sensors::testing_tcp {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr bool in = false, out = true;

class TcpSteeringOn : public TcpSensorOn {
 protected:
  // Each of the sizes goes from the client to the server in one write and one read.
  std::uint32_t pass(const std::vector<std::size_t>& sizes) {
    return in_child([&] {
      std::size_t at = at_;
      for (const std::size_t size : sizes) {
        write_all(pair_.client, truth_.substr(at, size));
        must(read_exactly(pair_.server, size) == truth_.substr(at, size));
        at += size;
      }
    });
  }
  void forget_what_was_told() {
    told(pair_.client_key);
    for (const SocketKey key : {pair_.client_key, pair_.server_key}) watch_->heard().sockets[key].data.clear();
  }
  // The sensor is opened with the port of the pair, so that nobody else's traffic is counted.
  bool open_for_the_pair() {
    Settings settings;
    settings.ports = {pair_.server_port};
    settings.unix_sockets = false;
    if (!open(settings)) return false;
    const auto stock = watch_->sensor().take_stock();
    EXPECT_TRUE(stock) << stock.error().message;
    return static_cast<bool>(stock);
  }

  const Pair pair_;
  const std::string truth_ = pattern(100000);
  std::size_t at_ = 0;
};

INSTANTIATE_TEST_SUITE_P(EachRung, TcpSteeringOn, ::testing::ValuesIn(rungs), name_of_rung);

struct Side {
  const char* name;
  bool outbound;
  SocketKey Pair::* key;
  const char* family;
};
constexpr Side sides[] = {{"receiving", in, &Pair::server_key, "tcp_receive"},
                          {"sending", out, &Pair::client_key, "tcp_send"}};

TEST_P(TcpSteeringOn, SilencesASocketThatIsSwitchedOff) {
  if (!open_for_the_pair()) return;
  watch_->steering().off(pair_.client_key);
  watch_->steering().off(pair_.server_key);
  pass({100, 200, 300});
  EXPECT_THAT(told(pair_.client_key).data, IsEmpty());
  EXPECT_THAT(told(pair_.server_key).data, IsEmpty());
  for (const Side& side : sides) {
    const family_counters counters = watch_->counters(side.family);
    EXPECT_EQ(counters.seen, 3U) << side.name;
    EXPECT_EQ(counters.filtered, 3U) << side.name;
    EXPECT_EQ(counters.submitted, 0U) << side.name;
  }
}

TEST_P(TcpSteeringOn, TellsAgainOfASocketThatWasOff) {
  if (!open_for_the_pair()) return;
  for (const SocketKey key : {pair_.client_key, pair_.server_key}) watch_->steering().off(key);
  pass({100});
  for (const bool outbound : {in, out}) watch_->steering().copy(pair_.client_key, outbound);
  watch_->steering().forget(pair_.server_key);
  at_ = 100;
  pass({50});
  EXPECT_EQ(told(pair_.client_key).text(out), std::string(100, '?') + truth_.substr(100, 50));
  EXPECT_EQ(told(pair_.server_key).text(in), std::string(100, '?') + truth_.substr(100, 50));
}

TEST_P(TcpSteeringOn, SkipsUpToTheMiddleOfATransfer) {
  if (!open_for_the_pair()) return;
  for (const Side& side : sides) {
    const SocketKey key = pair_.*side.key;
    watch_->steering().skip_until(key, side.outbound, told(key).base(side.outbound) + 1000);
  }
  pass({400, 500, 300, 70});
  for (const Side& side : sides) {
    const auto told = this->told(pair_.*side.key).of(side.outbound);
    ASSERT_THAT(told, SizeIs(2)) << side.name;
    EXPECT_EQ(told[0].head.position - this->told(pair_.*side.key).base(side.outbound), 1000U) << side.name;
    EXPECT_EQ(told[0].head.length, 200U) << side.name;
    EXPECT_EQ(told[0].bytes, truth_.substr(1000, 200)) << side.name;
    EXPECT_EQ(told[1].bytes, truth_.substr(1200, 70)) << side.name;
    const family_counters counters = watch_->counters(side.family);
    EXPECT_EQ(counters.seen, 4U) << side.name;
    EXPECT_EQ(counters.filtered, 2U) << side.name;
    EXPECT_EQ(counters.submitted, 2U) << side.name;
  }
}

TEST_P(TcpSteeringOn, TellsOnceOfTheEndOfASkipThatEndsWithATransfer) {
  if (!open_for_the_pair()) return;
  for (const Side& side : sides) {
    const SocketKey key = pair_.*side.key;
    watch_->steering().skip_until(key, side.outbound, told(key).base(side.outbound) + 1000);
  }
  pass({400, 600});
  for (const Side& side : sides) {
    const auto told = this->told(pair_.*side.key).of(side.outbound);
    ASSERT_THAT(told, SizeIs(1)) << side.name;
    EXPECT_EQ(told[0].head.length, 0U) << side.name;
    EXPECT_EQ(told[0].head.position - this->told(pair_.*side.key).base(side.outbound), 1000U) << side.name;
  }
  at_ = 1000;
  pass({5});
  for (const Side& side : sides) {
    const auto told = this->told(pair_.*side.key).of(side.outbound);
    ASSERT_THAT(told, SizeIs(2)) << side.name;
    EXPECT_EQ(told[1].bytes, truth_.substr(1000, 5)) << side.name;
  }
}

TEST_P(TcpSteeringOn, SkipsInsideAVector) {
  if (!open_for_the_pair()) return;
  for (const Side& side : sides) {
    const SocketKey key = pair_.*side.key;
    watch_->steering().skip_until(key, side.outbound, told(key).base(side.outbound) + 250);
  }
  in_child([&] {
    std::string sent = truth_.substr(0, 400), received(400, '\0');
    const iovec pieces[] = {
        {sent.data(), 100}, {sent.data() + 100, 100}, {sent.data() + 200, 100}, {sent.data() + 300, 100}};
    const iovec places[] = {{received.data(), 240}, {received.data() + 240, 20}, {received.data() + 260, 140}};
    must(writev(pair_.client, pieces, 4) == 400);
    must(readv(pair_.server, places, 3) == 400);
  });
  for (const Side& side : sides)
    EXPECT_EQ(told(pair_.*side.key).text(side.outbound), std::string(250, '?') + truth_.substr(250, 150)) << side.name;
}

TEST_P(TcpSteeringOn, CopiesAgainAtOnceWhenTold) {
  if (!open_for_the_pair()) return;
  for (const Side& side : sides) {
    const SocketKey key = pair_.*side.key;
    watch_->steering().skip_until(key, side.outbound, told(key).base(side.outbound) + 50000);
  }
  pass({100});
  for (const Side& side : sides) watch_->steering().copy(pair_.*side.key, side.outbound);
  at_ = 100;
  pass({30});
  for (const Side& side : sides)
    EXPECT_EQ(told(pair_.*side.key).text(side.outbound), std::string(100, '?') + truth_.substr(100, 30)) << side.name;
}

TEST_P(TcpSteeringOn, CopiesOnlyTheFirstBytesOfEachTransferWhenTold) {
  if (!open_for_the_pair()) return;
  for (const Side& side : sides) watch_->steering().copy_at_most(pair_.*side.key, side.outbound, 64);
  pass({100, 64, 10});
  for (const Side& side : sides) watch_->steering().copy(pair_.*side.key, side.outbound);
  at_ = 174;
  pass({100});
  const std::string expected = truth_.substr(0, 64) + std::string(36, '?') + truth_.substr(100, 174);
  for (const Side& side : sides) EXPECT_EQ(told(pair_.*side.key).text(side.outbound), expected) << side.name;
}

TEST_P(TcpSteeringOn, CopiesAllOfATransferWhereThatIsWanted) {
  if (!open_for_the_pair()) return;
  for (const Side& side : sides) watch_->steering().copy_deep(pair_.*side.key, true);
  pass({4096, 4097, 20'000, 1});
  for (const Side& side : sides)
    EXPECT_EQ(told(pair_.*side.key).text(side.outbound), truth_.substr(0, 28'194)) << side.name;
  for (const Side& side : sides) watch_->steering().copy_at_most(pair_.*side.key, side.outbound, 64);
  at_ = 28'194;
  pass({5000});
  const std::string expected = truth_.substr(0, 28'194 + 64) + std::string(5000 - 64, '?');
  for (const Side& side : sides) EXPECT_EQ(told(pair_.*side.key).text(side.outbound), expected) << side.name;
}

TEST_P(TcpSteeringOn, CopiesMoreThanTheBeginningOfATransferUntilToldWhatIsWanted) {
  if (!open_for_the_pair()) return;
  pass({20'000});
  const std::string first = truth_.substr(0, 20'000);
  for (const Side& side : sides) EXPECT_EQ(told(pair_.*side.key).text(side.outbound), first) << side.name;
  for (const Side& side : sides) watch_->steering().copy_deep(pair_.*side.key, false);
  at_ = 20'000;
  pass({5000});
  const std::string expected =
      first + truth_.substr(20'000, TCP_CONTENT_MAX) + std::string(5000 - TCP_CONTENT_MAX, '?');
  for (const Side& side : sides) EXPECT_EQ(told(pair_.*side.key).text(side.outbound), expected) << side.name;
}

TEST_P(TcpSteeringOn, SkipsOneDirectionOnly) {
  if (!open_for_the_pair()) return;
  watch_->steering().skip_until(pair_.client_key, out, told(pair_.client_key).base(out) + 50000);
  pass({100});
  in_child([&] {
    write_all(pair_.server, "back");
    must(read_exactly(pair_.client, 4) == "back");
  });
  EXPECT_EQ(told(pair_.client_key).text(out), "");
  EXPECT_EQ(told(pair_.client_key).text(in), "back");
  EXPECT_EQ(told(pair_.server_key).text(in), truth_.substr(0, 100));
}

// --- All rungs hear the same
// ----------------------------------------------------------------------------------------------

void talk(const Pair& tcp, const Pair& local) {
  const std::string text = pattern(3000);
  std::string place(5000, '\0');
  for (const Pair* pair : {&tcp, &local}) {
    write_all(pair->client, "GET / HTTP/1.1\r\n\r\n");
    must(recv(pair->server, place.data(), 3, MSG_PEEK) == 3);
    read_exactly(pair->server, 18, 5);
    for (int i = 0; i < 10; ++i) must(send(pair->server, text.data(), 300, 0) == 300);
    read_exactly(pair->client, 3000, 700);
    std::string sent = text, received(3000, '\0');
    std::vector<iovec> pieces, places;
    for (std::size_t i = 0; i < 60; ++i) pieces.push_back({sent.data() + 50 * i, 50});
    for (std::size_t i = 0; i < 30; ++i) places.push_back({received.data() + 100 * i, 100});
    must(writev(pair->client, pieces.data(), 60) == 3000);
    must(readv(pair->server, places.data(), 30) == 3000);
    msghdr message{};
    message.msg_iov = places.data();
    message.msg_iovlen = 2;
    must(sendmsg(pair->server, &message, 0) == 200);
    must(recvmsg(pair->client, &message, 0) == 200);
  }
}

// Who moved which bytes, however they were cut.
std::string normalised(const Told& told) {
  std::string text;
  for (const bool outbound : {in, out}) {
    text += outbound ? " out: " : "in: ";
    text += told.text(outbound);
    if (told.opened.empty() || told.opened[0].connection.transport != Transport::tcp) continue;
    for (const std::uint32_t pid : told.pids(outbound)) text += " by " + std::to_string(pid);
  }
  for (const SocketOpened& opened : told.opened) {
    const Connection& c = opened.connection;
    text += fmt::format(" opened {} {} {} {} {} {}", c.local.text(), c.remote.text(), c.unix_path, c.net_namespace,
                        opened.inbound_position, opened.outbound_position);
  }
  for (const SocketClosed& closed : told.closed)
    text += fmt::format(" closed {} {}", closed.inbound_position, closed.outbound_position);
  return text;
}

TEST(AllRungs, HearTheSameOfTheSameConversation) {
  std::vector<std::unique_ptr<Watch>> watches;
  std::string lacking;
  for (const char* rung : rungs) {
    if (!lacking_for(rung).empty()) continue;
    watches.push_back(Watch::open(rung, {}, lacking));
    ASSERT_TRUE(watches.back()) << rung;
  }
  if (watches.size() < 2) GTEST_SKIP() << "this kernel lacks a second rung to compare with";
  Pair tcp, tcp6(Over::ipv6), local(Over::unix_pair);
  in_child([&] {
    talk(tcp, local);
    talk(tcp6, local);
  });
  tcp.close();
  tcp6.close();
  const auto tcp_keys = {tcp.client_key, tcp.server_key, tcp6.client_key, tcp6.server_key};
  for (const auto& watch : watches) {
    for (const SocketKey key : tcp_keys)
      ASSERT_TRUE(watch->until([&] { return !watch->told(key).closed.empty(); })) << watch->report().rung;
  }
  const std::string forth = "GET / HTTP/1.1\r\n\r\n" + pattern(3000);
  Watch& first = *watches.front();
  EXPECT_EQ(first.told(tcp.client_key).text(out), forth);
  EXPECT_EQ(first.told(local.server_key).text(in), forth + forth);
  for (const auto& watch : watches) {
    for (const SocketKey key : tcp_keys)
      EXPECT_EQ(normalised(watch->told(key)), normalised(first.told(key))) << watch->report().rung;
    for (const SocketKey key : {local.client_key, local.server_key}) {
      for (const bool outbound : {in, out})
        EXPECT_EQ(watch->told(key).text(outbound), first.told(key).text(outbound)) << watch->report().rung;
    }
  }
}

}  // namespace
}  // namespace subfloor::sensors::testing_tcp
