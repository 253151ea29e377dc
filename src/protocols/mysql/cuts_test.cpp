// SPDX-License-Identifier: Apache-2.0
// The same conversation cut elsewhere gives the same calls; cut short in the kernel, joined late or with losses it
// gives what is certain.
#include <gmock/gmock.h>

#include <string>

#include "protocols/mysql/conversation.h"

namespace subfloor::protocols::mysql {
namespace {

using namespace testing;

constexpr Options late{.joined_late = true};

Conversation everything(bool with_eof) {
  const std::string plain = with_eof ? "" : "\0\1"s;
  const std::string attribute = with_eof ? "" : "\1\1\0\1\xfd\0\4name\5value"s;
  std::uint8_t sequence = 1;
  std::string many = rows(sequence, {"1", "2"}, with_eof, 2 | server_status::more_results);
  many += ok(sequence, 1);
  return (with_eof ? connected_mariadb() : connected_mysql()) +
         Conversation{client(query(attribute + "SELECT a FROM t")),
                      server(rows({"x", "yy", std::string(5000, 'z')}, with_eof)),
                      client(query(plain + "INSERT INTO t VALUES ('" + std::string(6000, 'v') + "')")),
                      server(ok(1, 1)),
                      client(prepare("SELECT b FROM u WHERE c = ?")),
                      server(prepared(1, 1, 1, with_eof)),
                      client(execute(1, std::string(300, 'p'))),
                      server(rows({"r"}, with_eof)),
                      client(send(0x19, integer(1, 4)) + query(plain + "CALL p()")),
                      server(many),
                      client(query(plain + "LOAD DATA LOCAL INFILE 'x' INTO TABLE t")),
                      server(packet(1, "\xfbx")),
                      client(packet(2, "data") + packet(3, "")),
                      server(ok(4, 2)),
                      client(query(plain + "SELECT nope")),
                      server(error(1, 1054, "42S22")),
                      client(send(0x01))};
}

// Turns in pieces; those of one turn pass at the same time.
std::vector<Call> replay_in_pieces(const Conversation& conversation, std::size_t piece, Kind role) {
  Feeder f(role);
  for (const Turn& turn : conversation) {
    f.tick();
    for (std::size_t at = 0; at < turn.bytes.size(); at += piece)
      f.give(turn.from, std::string_view(turn.bytes).substr(at, piece));
  }
  f.close();
  return f.calls();
}

TEST(MysqlCuts, GivesTheSameCallsWhereverTheBytesAreCut) {
  for (const bool with_eof : {true, false}) {
    for (const Kind role : {Kind::server, Kind::client}) {
      const std::vector<std::string> whole = to_text(replay(everything(with_eof), role));
      ASSERT_EQ(whole.size(), 7U);
      for (std::size_t piece = 1; piece < 600; piece += piece < 40 ? 1 : 37)
        ASSERT_EQ(to_text(replay_in_pieces(everything(with_eof), piece, role)), whole) << piece;
    }
  }
}

TEST(MysqlCuts, GivesTheSameCallsWithOneCutAnywhere) {
  const Conversation conversation = everything(true);
  const std::vector<std::string> whole = to_text(replay(conversation));
  for (std::size_t turn = 0; turn < conversation.size(); ++turn) {
    for (std::size_t at = 1; at < std::min<std::size_t>(conversation[turn].bytes.size(), 400); ++at) {
      Feeder f;
      for (std::size_t i = 0; i < conversation.size(); ++i) {
        const std::string_view bytes = conversation[i].bytes;
        f.tick();
        f.give(conversation[i].from, bytes.substr(0, i == turn ? at : bytes.size()));
        if (i == turn) f.give(conversation[i].from, bytes.substr(at));
      }
      f.close();
      ASSERT_EQ(to_text(f.calls()), whole) << turn << " " << at;
    }
  }
}

// At most 4096 bytes of a transfer are copied. What is beyond them is often where an answer ends.
std::string large_answer(std::size_t rows_wanted, bool with_eof, const std::string& end) {
  std::string bytes = packet(1, number(1)) + column(2, "a");
  if (with_eof) bytes += eof(3);
  std::uint8_t sequence = with_eof ? 4 : 3;
  for (std::size_t i = 0; i < rows_wanted; ++i) bytes += packet(sequence++, text("row " + std::to_string(i)));
  return bytes + (end.empty() ? (with_eof ? eof(sequence) : late_ok(sequence)) : packet(sequence, end));
}

TEST(MysqlCuts, EndsAnAnswerOfWhichAPartWasNotCopiedBeforeTheNextCommand) {
  for (const Kind role : {Kind::server, Kind::client}) {
    Feeder f(role);
    f.say(connected_mariadb());
    f.say(Side::client, query("SELECT a FROM t"));
    f.transfer(Side::server, large_answer(1000, true, ""));
    EXPECT_TRUE(f.calls().empty()) << "nobody knows yet";
    f.say(Side::client, query("SELECT b FROM u"));
    f.say(Side::server, rows({"x"}, true));
    ASSERT_EQ(f.briefs(), (Briefs{"SELECT t", "SELECT u rows=1"}));
    EXPECT_EQ(f.calls()[0].end, 5100U);
    EXPECT_EQ(f.calls()[0].partial, partial_no);
  }
}

TEST(MysqlCuts, SeesTheEndOfSuchAnAnswerWhereItsLastTransferIsShort) {
  for (const bool with_eof : {true, false}) {
    Feeder f(Kind::client);
    f.say(with_eof ? connected_mariadb() : connected_mysql());
    f.say(Side::client, query(with_eof ? "SELECT a FROM t" : "\0\1SELECT a FROM t"s));
    const std::string answer = large_answer(1000, with_eof, "");
    f.transfer(Side::server, answer.substr(0, 10000));
    f.transfer(Side::server, answer.substr(10000));
    EXPECT_EQ(f.briefs(), Briefs{"SELECT t"});
  }
}

TEST(MysqlCuts, SeesAnErrorAtTheEndOfSuchAnAnswer) {
  Feeder f(Kind::client);
  f.say(connected_mariadb());
  f.say(Side::client, query("SELECT a FROM t"));
  const std::string answer = large_answer(1000, true, "\xff" + integer(1317, 2) + "#70100Query was interrupted");
  f.transfer(Side::server, answer.substr(0, 10000));
  f.transfer(Side::server, answer.substr(10000));
  EXPECT_EQ(f.briefs(), Briefs{"SELECT t error=1317"});
}

TEST(MysqlCuts, GivesAnAnswerUpThatFallsSilent) {
  Feeder f;
  f.say(connected_mariadb());
  f.say(Side::client, query("SELECT a FROM t"));
  f.transfer(Side::server, large_answer(1000, true, ""));
  f.session.on_tick(f.now + silence_limit - 1, f.sink);
  EXPECT_TRUE(f.calls().empty());
  f.session.on_tick(f.now + silence_limit + 100, f.sink);
  EXPECT_EQ(f.briefs(), Briefs{"SELECT t (cut_short)"});
  EXPECT_EQ(f.calls()[0].end, 5100U);
  f.say(Side::client, query("SELECT b FROM u"));
  f.say(Side::server, rows({}, true));
  EXPECT_EQ(f.briefs(), (Briefs{"SELECT t (cut_short)", "SELECT u rows=0"}));
}

TEST(MysqlCuts, FindsTheNextCommandAfterALargeOneWithoutItsEnd) {
  const std::string value(0xffffff + 5000, 'v');
  const std::string insert = query("INSERT INTO t VALUES ('" + value + "')");
  Feeder f;
  f.say(connected_mariadb());
  for (std::size_t at = 0; at < insert.size(); at += 65536) f.transfer(Side::client, insert.substr(at, 65536));
  const Nanoseconds sent = f.now + 100;
  f.say(Side::server, ok(2, 1));
  f.say(Side::client, send(0x0e));
  f.say(Side::server, ok(1));
  ASSERT_EQ(f.briefs(), (Briefs{"INSERT t affected=1", "PING"}));
  EXPECT_EQ(f.calls()[0].request_end, sent);
  EXPECT_EQ(f.calls()[0].partial, partial_no);
}

TEST(MysqlCuts, KeepsToTheCommandsOfAPipelineThatItSaw) {
  Feeder f(Kind::client);
  f.say(connected_mariadb());
  f.say({client(prepare("INSERT INTO t VALUES (?)")), server(prepared(1, 0, 1, true))});
  std::string commands, answers;
  for (int i = 0; i < 100; ++i) {
    commands += execute(1, std::string(90, 'v'));
    answers += ok(1, static_cast<std::uint64_t>(i));
  }
  f.transfer(Side::client, commands);
  f.say(Side::server, answers);
  const std::size_t seen = 4096 / execute(1, std::string(90, 'v')).size();
  // The last of those was seen in part; that is enough.
  ASSERT_EQ(f.calls().size(), 1 + seen + 1);
  for (std::size_t i = 0; i < seen; ++i)
    EXPECT_EQ(f.calls()[1 + i].attributes.find("db.mysql.affected_rows"), std::to_string(i));
  f.say({client(send(0x0e)), server(ok(1)), client(query("DELETE FROM t")), server(ok(1, 9))});
  EXPECT_EQ(brief(f.calls().back()), "DELETE t affected=9");
}

TEST(MysqlLate, BeginsWithTheFirstCommand) {
  for (const std::optional<Kind> kind : {std::optional<Kind>(), std::optional(Kind::server)}) {
    Feeder f(Kind::server, {.joined_late = true, .kind = kind});
    f.say(Side::server, packet(9, text("the rest of an answer")) + eof(10));
    f.say(Side::client, query("SELECT a FROM t"));
    f.say(Side::server, rows({"x"}, true));
    f.say(Side::client, execute(4, "secret"));
    f.say(Side::server, ok(1, 1));
    if (!kind) continue;
    ASSERT_EQ(f.briefs(), (Briefs{"SELECT t rows=1", "? affected=1 (context)"}));
    EXPECT_EQ(f.calls()[0].attributes.find("db.system.name"), "other_sql");
    EXPECT_EQ(f.calls()[0].attributes.find("db.namespace"), std::nullopt);
    EXPECT_EQ(f.calls()[0].attributes.find("db.user"), std::nullopt);
  }
}

TEST(MysqlLate, FindsOutWhetherEofIsInUse) {
  for (const bool with_eof : {true, false}) {
    Feeder f(Kind::client, late);
    f.say({client(query("SELECT a FROM t")), server(rows({"x", "y"}, with_eof)), client(prepare("SELECT a FROM t")),
           server(prepared(1, 1, 2, with_eof)), client(prepare("DELETE FROM t WHERE a = ?")),
           server(prepared(2, 0, 1, with_eof)), client(execute(2)), server(ok(1, 1))});
    EXPECT_EQ(f.briefs(), (Briefs{"SELECT t rows=2", "PREPARE t", "PREPARE t", "DELETE t affected=1"})) << with_eof;
  }
  for (const bool with_eof : {true, false}) {
    Feeder f(Kind::client, late);  // prepared first, when nothing is known
    f.say({client(prepare("DELETE FROM t WHERE a = ?")), server(prepared(2, 0, 1, with_eof)), client(execute(2)),
           server(ok(1, 1)), client(prepare("SELECT a FROM t")), server(prepared(3, 1, 1, with_eof)),
           client(execute(3)), server(rows({"x"}, with_eof))});
    EXPECT_EQ(f.briefs(), (Briefs{"PREPARE t", "DELETE t affected=1", "PREPARE t", "SELECT t rows=1"})) << with_eof;
  }
}

TEST(MysqlLate, GivesNoCallThatItsCommandWasNotSeenOf) {
  Feeder f(Kind::server, {.joined_late = true, .kind = Kind::server});
  f.say(Side::server, rows({"x"}, true));
  f.say(Side::server, ok(1));
  f.close();
  EXPECT_TRUE(f.calls().empty());
}

TEST(MysqlLate, SearchesThroughALargeCommand) {
  Feeder f(Kind::server, {.joined_late = true, .kind = Kind::server});
  const std::string insert = query("INSERT INTO t VALUES ('" + std::string(50000, 'v') + "')");
  for (std::size_t at = 20000; at < insert.size(); at += 4000) f.say(Side::client, insert.substr(at, 4000));
  f.say(Side::server, ok(1, 1));
  f.say(Side::client, query("SELECT a FROM t").substr(0, 4));  // as servers read: the header first
  f.say(Side::client, query("SELECT a FROM t").substr(4));
  f.say(Side::server, rows({"x"}, true));
  EXPECT_EQ(f.briefs(), Briefs{"SELECT t rows=1"});
}

TEST(MysqlLosses, LeaveTheCallUnderWayWithoutOutcome) {
  for (const Side side : {Side::client, Side::server}) {
    Feeder f;
    f.say(connected_mariadb());
    f.say(Side::client, query("SELECT a FROM t"));
    f.lose(side);
    f.say(Side::client, query("DELETE FROM u"));
    f.say(Side::server, ok(1, 2));
    f.say(Side::client, send(0x0e));
    f.say(Side::server, ok(1));
    ASSERT_EQ(f.briefs().size(), 3U);
    EXPECT_EQ(f.briefs()[0], "SELECT t (lost)");
    EXPECT_EQ(f.briefs()[2], "PING");
    EXPECT_EQ(f.calls()[0].attributes.find("db.response.returned_rows"), std::nullopt);
  }
}

TEST(MysqlLosses, NeverGiveAnAnswerToTheWrongCommand) {
  Feeder f;
  f.say(connected_mariadb());
  f.say(Side::client, query("SELECT a FROM t"));
  f.lose(Side::server);  // its answer
  f.lose(Side::client);  // the next command
  f.say(Side::server, error(1, 1146, "42S02"));
  f.say({client(query("DELETE FROM u")), server(ok(1, 2))});
  EXPECT_EQ(f.briefs(), (Briefs{"SELECT t (lost)", "DELETE u affected=2"}));
}

TEST(MysqlLosses, BetweenCallsCostNone) {
  Feeder f;
  f.say(connected_mariadb());
  f.say({client(send(0x0e)), server(ok(1))});
  f.lose(Side::server);
  f.lose(Side::client);
  f.say({client(query("DELETE FROM u")), server(ok(1, 2))});
  EXPECT_EQ(f.briefs(), (Briefs{"PING", "DELETE u affected=2"}));
}

}  // namespace
}  // namespace subfloor::protocols::mysql
