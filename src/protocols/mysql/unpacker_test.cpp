// SPDX-License-Identifier: Apache-2.0
#include "protocols/mysql/unpacker.h"

#include <gmock/gmock.h>

#include <string>

#include "protocols/mysql/conversation.h"

namespace subfloor::protocols::mysql {
namespace {

using namespace testing;

constexpr Capabilities compressing = mariadb | capability::compress;

Conversation opened() { return connected(compressing, "5.5.5-10.11.6-MariaDB"); }
const std::string many_rows = rows(std::vector<std::string>(200, "a value that compresses well"), true);

Conversation everything() {
  const std::string insert = query("INSERT INTO t VALUES ('" + std::string(20000, 'v') + "')");
  return opened() + Conversation{client(packed(0, query("SELECT a FROM t"))),
                                 server(packed(1, many_rows)),
                                 client(packed(0, insert.substr(0, 16384)) + packed(1, insert.substr(16384))),
                                 server(packed(2, ok(1, 1))),
                                 client(packed(0, query("SELECT b FROM u"))),
                                 server(packed(1, many_rows.substr(0, 3000)) + packed(2, many_rows.substr(3000))),
                                 client(packed(0, query("SELECT nope"))),
                                 server(packed(1, error(1, 1054, "42S22")))};
}

TEST(MysqlCompressed, ReadsThroughWhereverTheBytesAreCut) {
  const std::vector<std::string> whole = to_text(replay(everything()));
  ASSERT_EQ(briefs(replay(everything())),
            (Briefs{"SELECT t rows=200", "INSERT t affected=1", "SELECT u rows=200", "SELECT error=1054"}));
  for (std::size_t piece = 1; piece < 300; piece += piece < 20 ? 1 : 31) {
    Feeder f;
    for (const Turn& turn : everything()) {
      f.tick();
      for (std::size_t at = 0; at < turn.bytes.size(); at += piece)
        f.give(turn.from, std::string_view(turn.bytes).substr(at, piece));
    }
    f.close();
    ASSERT_EQ(to_text(f.calls()), whole) << piece;
  }
}

TEST(MysqlCompressed, KnowsHowMuchIsMissingOfWhatWasNotCopied) {
  std::string noise;
  std::uint32_t state = 1;
  for (int i = 0; i < 20000; ++i) noise += static_cast<char>('0' + ((state = state * 1664525 + 1013904223) >> 26));
  Feeder f(Kind::client);
  f.say(opened());
  f.say(Side::client, packed(0, query("SELECT data FROM t")));
  const std::string answer = packet(1, number(1)) + column(2, "data") + eof(3) + packet(4, text(noise)) + eof(5);
  const std::string all = packed(1, answer.substr(0, 15000)) + packed(2, answer.substr(15000));
  ASSERT_GT(packed(1, answer.substr(0, 15000)).size(), 5000U);
  const std::size_t first = packed(1, answer.substr(0, 15000)).size();
  f.say(Side::server, all.substr(0, 4096), first - 4096);
  f.say(Side::server, all.substr(first));
  EXPECT_EQ(f.briefs(), Briefs{"SELECT t rows=1"});
}

TEST(MysqlCompressed, DoesNotUnpackWhatNobodyNeeds) {
  const std::string row = text(std::string(900'000, 'v'));
  const std::string answer = packet(1, number(1)) + column(2, "data") + eof(3) + packet(4, row) + eof(5);
  Feeder f(Kind::client);
  f.say(opened());
  f.say(Side::client, packed(0, query("SELECT data FROM t")));
  f.say(Side::server, packed(1, answer.substr(0, 10000)));
  std::string broken = packed(2, answer.substr(10000, 800'000));
  broken.replace(10, 100, 100, 'x');  // nobody looks
  f.say(Side::server, broken);
  f.say(Side::server, packed(3, answer.substr(810'000)));
  EXPECT_EQ(f.briefs(), Briefs{"SELECT t rows=1"});
}

TEST(MysqlCompressed, SurvivesBrokenData) {
  Feeder f;
  f.say(opened());
  f.say(Side::client, packed(0, query("SELECT a FROM t")));
  std::string broken = packed(1, many_rows);
  broken.replace(30, 20, 20, '\xff');
  f.say(Side::server, broken);
  f.say(Side::client, packed(0, query("DELETE FROM u")));
  f.say(Side::server, packed(1, ok(1, 1)));
  ASSERT_EQ(f.briefs().size(), 2U);
  EXPECT_EQ(f.briefs()[1], "DELETE u affected=1");
}

TEST(MysqlCompressed, GoesOnAfterALoss) {
  Feeder f;
  f.say(opened());
  f.say(Side::client, packed(0, query("SELECT a FROM t")));
  f.lose(Side::server);
  f.say(Side::client, packed(0, query("DELETE FROM u WHERE a = 'a text that is longer than what is left as it is'")));
  f.say(Side::server, packed(1, ok(1, 1)));
  EXPECT_EQ(f.briefs(), (Briefs{"SELECT t (lost)", "DELETE u affected=1"}));
}

TEST(MysqlUnpacker, KeepsNothingOfWhatItUnpacked) {
  const std::string secret(200, 's');
  const std::string bytes = packed(0, secret);
  Unpacker unpacker;
  std::string_view rest = bytes;
  const Unpacker::Piece piece = unpacker.take(rest, 0);
  ASSERT_EQ(piece.bytes, secret);
  unpacker.wipe();
  EXPECT_EQ(piece.bytes, std::string(200, '\0'));
}

// A packet that says it holds 16 MiB costs what it holds, not what it says.
TEST(MysqlUnpacker, GivesAsAGapWhatAPacketDoesNotHold) {
  const std::string inside = packed(0, std::string(1000, 'x'));
  const std::string bytes = inside.substr(0, 4) + "\xff\xff\xff" + inside.substr(7);
  Unpacker unpacker;
  std::string_view rest = bytes;
  std::uint64_t held = 0;
  while (!rest.empty()) {
    const Unpacker::Piece piece = unpacker.take(rest, 0);
    held += piece.bytes.size() + piece.gap;
  }
  EXPECT_EQ(held, 0xffffffU);
}

}  // namespace
}  // namespace subfloor::protocols::mysql
