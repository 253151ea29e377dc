// SPDX-License-Identifier: Apache-2.0
#include "protocols/mysql/session.h"

#include <gmock/gmock.h>

#include <string>

#include "protocols/mysql/conversation.h"

namespace subfloor::protocols::mysql {
namespace {

using namespace testing;
using Action = Next::Action;

TEST(Mysql, TellsEverythingAboutACallAsServer) {
  Feeder g(Kind::server);
  g.say(connected_mysql());
  const std::string statement = "\x03\0\1SELECT * FROM items WHERE name = 'secret'"s;  // of no attributes
  g.say(Side::client, packet(0, statement).substr(0, 4));
  g.say(Side::client, packet(0, statement).substr(4));
  EXPECT_EQ(g.session.active(Kind::server), 1U);
  EXPECT_EQ(g.session.active(Kind::client), 0U);
  const std::string answer = rows({"a", "b"}, false);
  g.say(Side::server, answer.substr(0, 20));
  EXPECT_TRUE(g.calls().empty());
  g.say(Side::server, answer.substr(20));
  EXPECT_EQ(g.session.active(Kind::server), 0U);
  ASSERT_EQ(g.calls().size(), 1U);
  const Call& call = g.calls()[0];
  EXPECT_EQ(call.protocol->name, "mysql");
  EXPECT_EQ(call.kind, Kind::server);
  EXPECT_EQ(brief(call), "SELECT items rows=2");
  EXPECT_EQ(call.attributes.find("db.system.name"), "mysql");
  EXPECT_EQ(call.attributes.find("db.namespace"), "orders");
  EXPECT_EQ(call.attributes.find("user.name"), "shop");
  EXPECT_EQ(call.attributes.find("mysql.server_version"), "8.0.36");
  EXPECT_EQ(call.attributes.find("mysql.program_name"), "till");
  EXPECT_EQ(call.attributes.find("db.query.summary"), "SELECT items");
  EXPECT_EQ(call.attributes.find("db.query.text"), std::nullopt);
  EXPECT_EQ(call.start, 4100U);  // the server had the first byte
  EXPECT_EQ(call.request_end, 5100U);
  EXPECT_EQ(call.first_byte, 6000U);  // it began to answer
  EXPECT_EQ(call.end, 7100U);
  EXPECT_EQ(call.request_body_bytes, statement.size());
  EXPECT_EQ(call.response_body_bytes, answer.size() - 5 * packet_header);
  EXPECT_EQ(call.pid, 10U);
  EXPECT_EQ(call.tid, 11U);
}

TEST(Mysql, MeasuresAClientCallFromItsFirstWriteToItsLastRead) {
  Feeder f(Kind::client);
  f.say(connected_mariadb());
  f.say(Side::client, query("DELETE FROM items"));
  EXPECT_EQ(f.session.active(Kind::client), 1U);
  f.say(Side::server, ok(1, 3));
  ASSERT_EQ(f.briefs(), Briefs{"DELETE items affected=3"});
  EXPECT_EQ(f.calls()[0].kind, Kind::client);
  EXPECT_EQ(f.calls()[0].attributes.find("db.system.name"), "mariadb");
  EXPECT_EQ(f.calls()[0].start, 4000U);
  EXPECT_EQ(f.calls()[0].first_byte, 5100U);
  EXPECT_EQ(f.calls()[0].end, 5100U);
}

TEST(Mysql, TellsTheCodeOfAnErrorAndNeverItsMessage) {
  const std::vector<Call> calls =
      replay(connected_mariadb() + Conversation{client(query("SELECT x FROM nope")), server(error(1, 1146, "42S02"))});
  ASSERT_EQ(briefs(calls), Briefs{"SELECT nope error=1146"});
  EXPECT_EQ(calls[0].attributes.find("mysql.sqlstate"), "42S02");
  EXPECT_EQ(to_text(calls[0]).find("secret"), std::string::npos);
}

TEST(Mysql, GivesAnErrorThatStrikesAmongRows) {
  std::string answer = packet(1, number(1)) + column(2, "c") + eof(3) + packet(4, text("v"));
  const std::vector<Call> calls = replay(
      connected_mariadb() + Conversation{client(query("SELECT x FROM t")), server(answer + error(5, 1317, "70100"))});
  EXPECT_EQ(briefs(calls), Briefs{"SELECT t error=1317"});
}

TEST(Mysql, ReadsRowsWithAndWithoutEof) {
  for (const bool with_eof : {true, false}) {
    const auto opening = with_eof ? connected_mariadb() : connected_mysql();
    const std::string attributes = with_eof ? "" : "\0\1"s;
    const std::vector<Call> calls = replay(
        opening + Conversation{client(query(attributes + "SELECT a FROM t")), server(rows({"x", "", "z"}, with_eof)),
                               client(query(attributes + "SELECT a FROM u")), server(rows({}, with_eof))});
    EXPECT_EQ(briefs(calls), (Briefs{"SELECT t rows=3", "SELECT u rows=0"}));
  }
}

TEST(Mysql, SumsUpSeveralSetsOfRowsOfOneCommand) {
  std::uint8_t sequence = 1;
  std::string answer = rows(sequence, {"1", "2"}, true, 2 | server_status::more_results);
  answer += ok(sequence++, 5, 2 | server_status::more_results);
  answer += rows(sequence, {"3"}, true, 2 | server_status::more_results);
  Feeder f;
  f.say(connected_mariadb());
  f.say(Side::client, query("CALL report()"));
  f.say(Side::server, answer);
  EXPECT_TRUE(f.calls().empty()) << "more results were announced";
  f.say(Side::server, ok(sequence));
  EXPECT_EQ(f.briefs(), Briefs{"CALL rows=3"});
}

TEST(Mysql, CountsTheStatementsOfOneCommand) {
  const std::vector<Call> calls =
      replay(connected_mariadb() + Conversation{client(query("UPDATE t SET a = 1; SELECT b FROM u")),
                                                server(ok(1, 1, 2 | server_status::more_results))});
  ASSERT_EQ(briefs(calls), Briefs{"UPDATE t (cut_short)"});
  EXPECT_EQ(calls[0].attributes.find("db.operation.batch.size"), "2");
  EXPECT_EQ(calls[0].attributes.find("db.query.summary"), "UPDATE t; SELECT u");
}

TEST(Mysql, GivesAPayloadOfSeveralPacketsAsOne) {
  const std::string value(0xffffff + 1000, 'v');
  Feeder f(Kind::client);
  f.say(connected_mariadb());
  const std::string statement = query("INSERT INTO items (data) VALUES ('" + value + "')");
  f.say(Side::client, statement);
  f.say(Side::server, ok(2, 1));
  f.say(Side::client, query("SELECT data FROM items"));
  std::string answer = packet(1, number(1)) + column(2, "data") + eof(3) + packet(4, text(value)) + eof(6);
  f.say(Side::server, answer);
  ASSERT_EQ(f.briefs(), (Briefs{"INSERT items affected=1", "SELECT items rows=1"}));
  EXPECT_EQ(f.calls()[0].request_body_bytes, statement.size() - 8);
}

TEST(Mysql, SkipsALargeRowWithoutItsContent) {
  const std::string row = text(std::string(300'000, 'v'));
  Feeder f(Kind::client);
  f.say(connected_mariadb());
  f.say(Side::client, query("SELECT data FROM items"));
  const std::string begin = packet(1, number(1)) + column(2, "data") + eof(3) + packet(4, row).substr(0, 3000);
  EXPECT_EQ(f.say(Side::server, begin).action, Action::more) << "the beginning of a payload is looked at";
  const Next next = f.say(Side::server, packet(4, row).substr(3000, 2000));
  EXPECT_EQ(next.action, Action::skip);
  EXPECT_EQ(next.bytes, row.size() + 4 - 5000);
  f.say(Side::server, "", row.size() + 4 - 5000);
  f.say(Side::server, eof(5));
  ASSERT_EQ(f.briefs(), Briefs{"SELECT items rows=1"});
  EXPECT_GT(f.calls()[0].response_body_bytes, 300'000U);
}

TEST(Mysql, RunsPreparedStatementsByNumber) {
  for (const bool with_eof : {true, false}) {
    Feeder f;
    f.say(with_eof ? connected_mariadb() : connected_mysql());
    f.say(Side::client, prepare("SELECT name FROM items WHERE id = ?"));
    f.say(Side::server, prepared(7, 1, 1, with_eof));
    f.say(Side::client, prepare("UPDATE items SET name = ?"));
    f.say(Side::server, prepared(8, 0, 1, with_eof));
    f.say(Side::client, execute(7, "secret"));
    f.say(Side::server, rows({"a"}, with_eof));
    f.say(Side::client, packet(0, "\x18" + integer(8, 4) + integer(0, 2) + "long secret"));  // no answer
    f.say(Side::client, execute(8));
    f.say(Side::server, ok(1, 3));
    f.say(Side::client, send(0x1a, integer(8, 4)));
    f.say(Side::server, ok(1));
    f.say(Side::client, send(0x19, integer(8, 4)));  // no answer
    f.say(Side::client, execute(7));
    f.say(Side::server, error(1, 1205, "HY000"));
    EXPECT_EQ(f.briefs(), (Briefs{"PREPARE items", "PREPARE items", "SELECT items rows=1", "UPDATE items affected=3",
                                  "STMT_RESET", "SELECT items error=1205"}));
    EXPECT_EQ(f.calls()[0].attributes.find("db.query.summary"), "PREPARE SELECT items");
    EXPECT_EQ(f.calls()[2].attributes.find("db.query.summary"), "SELECT items");
  }
}

TEST(Mysql, KnowsNoStatementThatWasClosedOrFailedToPrepare) {
  Feeder f;
  f.say(connected_mariadb());
  f.say(Side::client, prepare("SELECT a FROM t"));
  f.say(Side::server, prepared(1, 1, 0, true));
  f.say(Side::client, send(0x19, integer(1, 4)));
  f.say(Side::client, prepare("SELECT a FROM"));
  f.say(Side::server, error(1, 1064, "42000"));
  f.say(Side::client, execute(1));
  f.say(Side::server, error(1, 1243, "HY000"));
  EXPECT_EQ(f.briefs(), (Briefs{"PREPARE t", "PREPARE error=1064", "? error=1243 (context)"}));
}

TEST(Mysql, RunsMariaDbsLastPreparedStatementInAPipeline) {
  Feeder f;
  f.say(connected_mariadb());
  f.say(Side::client, prepare("INSERT INTO t VALUES (?)") + execute(0xffffffff) + execute(0xffffffff));
  EXPECT_EQ(f.session.active(Kind::server), 3U);
  f.say(Side::server, prepared(3, 0, 1, true) + ok(1, 1));
  f.say(Side::server, ok(1, 2));
  EXPECT_EQ(f.briefs(), (Briefs{"PREPARE t", "INSERT t affected=1", "INSERT t affected=2"}));
}

TEST(Mysql, EndsAnAnswerWhereRowsWaitInACursor) {
  for (const bool with_eof : {true, false}) {
    Feeder f;
    f.say(with_eof ? connected_mariadb() : connected_mysql());
    f.say(Side::client, prepare("SELECT a FROM t"));
    f.say(Side::server, prepared(1, 1, 0, with_eof));
    f.say(Side::client, execute(1, "", 1));
    const std::uint16_t status = 2 | server_status::cursor;
    f.say(Side::server, packet(1, number(1)) + column(2, "a") + (with_eof ? eof(3, status) : late_ok(3, status)));
    f.say(Side::client, send(0x1c, integer(1, 4) + integer(2, 4)));
    const std::string row = packet(1, "\0\0a"s) + packet(2, "\0\0b"s);
    f.say(Side::server, row + (with_eof ? eof(3, status | 0x80) : late_ok(3, status | 0x80)));
    EXPECT_EQ(f.briefs(), (Briefs{"PREPARE t", "SELECT t rows=0", "FETCH t rows=2"}));
  }
}

TEST(Mysql, CountsTheFileOfLoadDataLocalAsTheRequests) {
  Feeder f;
  f.say(connected_mariadb());
  f.say(Side::client, query("LOAD DATA LOCAL INFILE '/tmp/x' INTO TABLE items"));
  f.say(Side::server, packet(1, "\xfb/tmp/x"));
  const std::string data = "\x03SELECT 1";  // whatever it looks like
  f.say(Side::client, packet(2, data) + packet(3, std::string(5000, 'x')));
  f.say(Side::client, packet(4, ""));
  EXPECT_TRUE(f.calls().empty());
  f.say(Side::server, ok(5, 2));
  ASSERT_EQ(f.calls().size(), 1U);
  EXPECT_EQ(f.calls()[0].attributes.find("mysql.affected_rows"), "2");
  EXPECT_GT(f.calls()[0].request_body_bytes, 5000U);
  EXPECT_EQ(f.calls()[0].request_end, 7100U);
}

TEST(Mysql, NamesTheCommandsThatAreNoStatements) {
  Conversation conversation = connected_mariadb();
  const auto say = [&](std::string_view what, std::string_view answer) {
    conversation.push_back(client(what));
    if (!answer.empty()) conversation.push_back(server(answer));
  };
  say(send(0x0e), ok(1));
  say(send(0x09), packet(1, "Uptime: 3"));
  say(send(0x1b, integer(0, 2)), eof(1));
  say(send(0x0c, integer(9, 4)), error(1, 1094, "HY000"));
  say(send(0x04, line("items") + "%"), column(1, "id") + column(2, "name") + eof(3));
  say(send(0x1f), ok(1));
  say(send(0x0d), eof(1));
  say(send(0x01), "");
  EXPECT_EQ(briefs(replay(conversation)), (Briefs{"PING", "STATISTICS", "SET_OPTION", "PROCESS_KILL error=1094",
                                                  "FIELD_LIST", "RESET_CONNECTION", "DEBUG"}));
}

TEST(Mysql, FollowsTheSchemaOfTheSession) {
  Feeder f;
  f.say(connected(common_capabilities & ~capability::session_track));
  const auto schema_after = [&](std::string_view what, std::string_view answer) {
    f.say(Side::client, what);
    f.say(Side::server, answer);
    f.say(Side::client, send(0x0e));
    f.say(Side::server, ok(1));
    return std::string(f.calls().back().attributes.find("db.namespace").value_or("?"));
  };
  EXPECT_EQ(schema_after(send(0x02, "shop"), ok(1)), "shop");
  EXPECT_EQ(schema_after(send(0x02, "none"), error(1, 1049, "42000")), "shop");
  EXPECT_EQ(schema_after(query("use `other`;"), ok(1)), "other");
  EXPECT_EQ(schema_after(query("USE nope"), error(1, 1049, "42000")), "other");
  EXPECT_EQ(schema_after(query("SELECT 'use x'"), rows({"x"}, true)), "other");
  EXPECT_EQ(schema_after(query("SET @a = 1; USE third"), ok(1, 0, 2 | server_status::more_results) + ok(2)), "?")
      << "nobody said whether the second went well";
}

TEST(Mysql, FollowsTheSchemaThatTheServerTells) {
  Feeder f;
  f.say(connected_mysql());
  const auto go = [&](std::string_view what, std::string_view changes) {
    f.say({client(query("\0\1"s + std::string(what))), server(ok(1, 0, 0x4002, text("") + std::string(changes)))});
    f.say({client(send(0x0e)), server(ok(1))});
    return std::string(f.calls().back().attributes.find("db.namespace").value_or("?"));
  };
  const std::string variable = "\0"s + text(text("autocommit") + text("ON"));
  EXPECT_EQ(go("CALL go_there()", text(variable + "\x01" + text(text("fourth")))), "fourth");
  EXPECT_EQ(go("SET autocommit = 1", text(variable)), "fourth");
  EXPECT_EQ(go("USE fifth", text("\x01" + text(text("fifth")))), "fifth");
  EXPECT_EQ(go("DROP DATABASE fifth", text("\x01" + text(text("")))), "?");
  EXPECT_EQ(go("CALL broken()", text("\x01\x7f")), "?");
}

TEST(Mysql, ChangesTheUser) {
  Feeder f;
  f.say(connected_mariadb());
  f.say(Side::client,
        send(0x11, line("other") + text("SECRET-PROOF") + line("shop") + integer(33, 2) + line("plugin")));
  f.say(Side::server, packet(1, "\xfe" + line("mysql_native_password") + "salt"));
  f.say(Side::client, packet(2, "SECRET-PROOF"));
  f.say(Side::server, ok(3));
  f.say(Side::client, send(0x0e));
  f.say(Side::server, ok(1));
  ASSERT_EQ(f.briefs(), (Briefs{"CHANGE_USER", "PING"}));
  EXPECT_EQ(f.calls()[0].attributes.find("user.name"), "shop");
  EXPECT_EQ(f.calls()[1].attributes.find("user.name"), "other");
  EXPECT_EQ(f.calls()[1].attributes.find("db.namespace"), "shop");
}

TEST(Mysql, TellsOfALoginThatIsRefused) {
  Feeder f;
  f.say({server(greeting("8.0.36", mysql8)), client(login(mysql8)),
         server(packet(2, "\xfe" + line("caching_sha2_password") + "saltsaltsaltsaltsalt")),
         client(packet(3, "SECRET-PROOF")), server(error(4, 1045, "28000"))});
  ASSERT_EQ(f.briefs(), Briefs{"CONNECT error=1045"});
  EXPECT_EQ(f.calls()[0].start, 2100U);
  EXPECT_EQ(f.calls()[0].end, 5100U);
  Feeder g;
  g.say(Side::server, packet(0, "\xff" + integer(1040, 2) + "Too many connections"));
  EXPECT_EQ(g.briefs(), Briefs{"CONNECT error=1040"});
}

TEST(Mysql, LogsInWithCachingSha2) {
  for (const bool fast : {true, false}) {
    Feeder f;
    f.say({server(greeting("8.0.36", mysql8)), client(login(mysql8))});
    if (fast) {
      f.say(Side::server, packet(2, "\x01\x03") + ok(3));
    } else {
      f.say({server(packet(2, "\x01\x04")), client(packet(3, "\x02")), server(packet(4, "\x01-----BEGIN PUBLIC KEY")),
             client(packet(5, std::string(256, 'x'))), server(ok(6))});
    }
    f.say({client(send(0x0e)), server(ok(1))});
    EXPECT_EQ(f.briefs(), Briefs{"PING"});
  }
}

TEST(Mysql, IsOpaqueOnceTlsIsAskedFor) {
  Feeder f;
  f.say(Side::server, greeting("8.0.36", mysql8 | capability::tls));
  const std::string request = login(mysql8 | capability::tls).substr(4, 32);
  const Next next = f.say(Side::client, packet(1, request));
  EXPECT_EQ(next.action, Action::opaque);
  EXPECT_TRUE(next.tls);
  f.close();
  EXPECT_TRUE(f.calls().empty());
}

TEST(Mysql, GoesOnWithinTls) {
  Feeder f;
  const std::uint32_t capabilities = mysql8 | capability::tls;
  f.say(Side::server, greeting("8.0.36", capabilities));
  f.say(Side::client, packet(1, login(capabilities).substr(4, 32)));
  f.say({client(packet(2, login(capabilities).substr(4))), server(ok(3)), client(send(0x0e)), server(ok(1))});
  EXPECT_EQ(f.briefs(), Briefs{"PING"});
}

TEST(Mysql, IsOpaqueWhereReplicationBegins) {
  Feeder f;
  f.say(connected_mariadb());
  EXPECT_EQ(f.say(Side::client, send(0x12, std::string(12, 'x'))).action, Action::opaque);
}

TEST(Mysql, IsOpaqueUnderZstd) {
  Feeder f;
  f.say(connected(mysql8 | capability::zstd));
  EXPECT_EQ(f.last.action, Action::opaque);
}

TEST(Mysql, ReadsTheOldestHandshakes) {
  const std::string old = packet(0, "\x09" + line("3.20.1") + integer(1, 4) + line("saltsalt"));
  Feeder f;
  f.say({server(old),
         client(packet(1, integer(8, 2) + integer(0xffffff, 3) + line("shop") + line("PROOF") + line("db"))),
         server(packet(2, "\0\0\0"s)), client(query("DELETE FROM t")), server(packet(1, "\0\x02\0"s))});
  ASSERT_EQ(f.briefs(), Briefs{"DELETE t affected=2"});
  EXPECT_EQ(f.calls()[0].attributes.find("db.namespace"), "db");
}

TEST(Mysql, ToleratesProgressReports) {
  Feeder f;
  f.say(connected_mariadb());
  f.say(Side::client, query("ALTER TABLE items ADD x INT"));
  f.say(Side::server, packet(1, "\xff\xff\xff\x01\x01\x02"s + integer(5000, 3) + text("copying")));
  EXPECT_TRUE(f.calls().empty());
  f.say(Side::server, ok(2));
  EXPECT_EQ(f.briefs(), Briefs{"ALTER TABLE items affected=0"});
}

TEST(Mysql, ReadsColumnsThatAreAsTheyWere) {  // MARIADB_CLIENT_CACHE_METADATA
  Feeder f;
  f.say(connected(mariadb | capability::deprecate_eof | capability::cache_metadata, "11.4.2-MariaDB"));
  f.say(Side::client, query("SELECT a FROM t"));
  f.say(Side::server, packet(1, "\1\0"s) + packet(2, text("v")) + late_ok(3));
  f.say(Side::client, query("SELECT a FROM t"));
  f.say(Side::server, packet(1, "\1\1"s) + column(2, "a") + packet(3, text("v")) + late_ok(4));
  EXPECT_EQ(f.briefs(), (Briefs{"SELECT t rows=1", "SELECT t rows=1"}));
}

TEST(Mysql, TellsStatementTextsOnlyWhereAskedTo) {
  Options options;
  options.extras.query_text = true;
  const std::vector<Call> calls = replay(
      connected_mariadb() + Conversation{client(query("SELECT a FROM t WHERE b = 'secret'")), server(rows({}, true))},
      Kind::server, options);
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].attributes.find("db.query.text"), "SELECT a FROM t WHERE b = ?");
}

TEST(Mysql, GivesWhatIsUnfinishedAtTheClose) {
  Feeder f;
  f.say(connected_mariadb());
  f.say(Side::client, query("SELECT SLEEP(100)"));
  f.close();
  EXPECT_EQ(f.briefs(), Briefs{"SELECT (no_response)"});
  EXPECT_EQ(f.calls()[0].end, 5000U);
  Feeder g;
  g.say(connected_mariadb());
  g.say(Side::client, query("SELECT a FROM t"));
  g.say(Side::server, rows({"x"}, true).substr(0, 30));
  g.close();
  EXPECT_EQ(g.briefs(), Briefs{"SELECT t (cut_short)"});
  EXPECT_EQ(g.calls()[0].end, 5100U);
}

TEST(Mysql, IsInvalidWhereItIsSomethingElse) {
  Feeder f;
  EXPECT_EQ(f.say(Side::server, "220 mail.example.com ESMTP\r\n").action, Action::invalid);
  Feeder g;
  g.say(connected_mariadb());
  EXPECT_EQ(g.say(Side::client, packet(0, "\x7f what")).action, Action::invalid);
  Feeder h;
  h.say(connected_mariadb());
  h.say(Side::client, send(0x0e));
  EXPECT_EQ(h.say(Side::server, ok(2)).action, Action::invalid) << "a number is missing";
}

// The record of what was sent may come after that of its answer.
TEST(Mysql, PairsAnAnswerThatIsToldOfBeforeItsCommand) {
  Feeder f(Kind::client);
  f.say(connected_mariadb());
  f.tick();
  const Nanoseconds sent = f.now;
  f.tick();
  f.give(Side::server, ok(1, 4));
  f.now = sent;
  f.give(Side::client, query("DELETE FROM t"));
  EXPECT_EQ(f.briefs(), Briefs{"DELETE t affected=4"});
  EXPECT_EQ(f.calls()[0].duration(), 1100U);
  f.now += 5000;
  f.say(Side::server, error(0, 4031, "HY000"));  // unasked: the connection was idle for too long
  f.say(Side::client, query("DELETE FROM u"));
  f.say(Side::server, ok(1, 1));
  EXPECT_EQ(f.briefs(), (Briefs{"DELETE t affected=4", "DELETE u affected=1"}));
}

}  // namespace
}  // namespace subfloor::protocols::mysql
