// SPDX-License-Identifier: Apache-2.0
// Which streams are taken for MySQL's.
#include "protocols/mysql/evidence.h"

#include <gmock/gmock.h>

#include <string>

#include "protocols/mysql/conversation.h"

namespace subfloor::protocols::mysql {
namespace {

using namespace testing;

Guess at_opening(std::string_view bytes) { return mysql_descriptor.recognise({.bytes = bytes}); }
Guess in_the_middle(std::string_view bytes, std::string_view other = {}, std::optional<Kind> kind = {},
                    Direction direction = Direction::inbound) {
  return mysql_descriptor.recognise(
      {.bytes = bytes, .other = other, .direction = direction, .whole = false, .kind = kind});
}

TEST(MysqlRecognition, TakesGreetingsOfAllServers) {
  for (const std::string& bytes :
       {greeting("8.0.36", mysql8), greeting("5.5.5-10.11.19-MariaDB-0+deb12u1", mariadb), greeting("9.1.0", mysql8),
        packet(0, "\x09" + line("3.20.1") + integer(1, 4) + line("saltsalt")),
        packet(0, "\xff" + integer(1040, 2) + "Too many connections"),
        packet(0, "\xff" + integer(1130, 2) + "#HY000Host 'x' is not allowed to connect")}) {
    EXPECT_EQ(at_opening(bytes), Guess::yes) << bytes;
    EXPECT_EQ(at_opening(std::string_view(bytes).substr(0, 64)), Guess::yes) << bytes;
    for (std::size_t size = 1; size < 17; ++size)
      EXPECT_EQ(at_opening(std::string_view(bytes).substr(0, size)), Guess::maybe_with_more) << size;
  }
}

TEST(MysqlRecognition, TakesNothingElseForAGreeting) {
  for (const std::string& bytes : std::vector<std::string>{
           "GET / HTTP/1.1\r\n\r\n", "*1\r\n$4\r\nPING\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
           "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, "SSH-2.0-OpenSSH_9.2\r\n", "220 mail ESMTP\r\n",
           "\0\0\0\x2d\0\x12\0\3\0\0\0\1\0\4test"s,                    // Kafka
           "\0\0\0\x29\0\3\0\0user\0shop\0database\0orders\0\0"s,     // PostgreSQL
           "\x3a\0\0\0\x01\0\0\0\0\0\0\0\xd4\7\0\0\0\0\0\0"s,          // MongoDB
           "\x1d\0\0\0\x0a" + std::string(25, 'x'),                    // a length that fits and text without an end
           packet(0, "\x0a" + line("no digits") + std::string(60, 'x')), query("SELECT 1"), send(0x0e), ok(1)})
    EXPECT_EQ(at_opening(bytes), Guess::no) << bytes;
}

TEST(MysqlRecognition, TakesStatementsAndSetsOfRowsInTheMiddle) {
  for (const std::string& bytes :
       {query("SELECT 1"), query("  select * from t"), query("insert into t values (1)"), query("COMMIT"),
        query("\0\1SELECT 1"s), prepare("UPDATE t SET a = ?"), query("SELECT '" + std::string(5000, 'x') + "'"),
        execute(1) + execute(1) + query("SELECT 1"), rows({"x"}, true), prepared(1, 1, 1, true),
        error(1, 1146, "42S02")}) {
    const bool all_executes = bytes.starts_with(execute(1));
    EXPECT_EQ(in_the_middle(bytes), all_executes ? Guess::maybe_with_more : Guess::yes) << bytes;
    EXPECT_EQ(in_the_middle(std::string_view(bytes).substr(0, 68)), all_executes ? Guess::maybe_with_more : Guess::yes);
  }
}

TEST(MysqlRecognition, NeedsBothDirectionsWhereEachAloneSaysLittle) {
  EXPECT_EQ(in_the_middle(send(0x0e)), Guess::maybe_with_more);
  EXPECT_EQ(in_the_middle(ok(1)), Guess::maybe_with_more);
  EXPECT_EQ(in_the_middle(ok(1), send(0x0e)), Guess::likely);
  EXPECT_EQ(in_the_middle(execute(3, "values"), ok(1)), Guess::likely);
  EXPECT_EQ(in_the_middle(ok(1), ok(1)), Guess::maybe_with_more) << "nobody asks";
}

TEST(MysqlRecognition, HeedsWhoTheClientIs) {
  EXPECT_EQ(in_the_middle(query("SELECT 1"), {}, Kind::server, Direction::inbound), Guess::yes);
  EXPECT_EQ(in_the_middle(query("SELECT 1"), {}, Kind::server, Direction::outbound), Guess::no);
  EXPECT_EQ(in_the_middle(rows({"x"}, true), {}, Kind::server, Direction::inbound), Guess::no);
}

TEST(MysqlRecognition, StealsNoOtherStreamsInTheMiddle) {
  for (const std::string& bytes : std::vector<std::string>{
           "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "+OK\r\n", "*1\r\n$4\r\nPING\r\n", "$-1\r\n",
           "\0\0\0\x2d\0\x12\0\3\0\0\0\1\0\4test"s,                         // Kafka
           "\0\0\0\0\1"s + std::string(10, 'x'),                            // empty
           "\0\0\4\1\4\0\0\0\1abcd"s,                                       // HTTP/2
           "Q\0\0\0\rSELECT 1\0"s, "C\0\0\0\rSELECT 1\0Z\0\0\0\5I"s,        // PostgreSQL
           "\x10\0\0\0\x01\0\0\0\0\0\0\0\xd4\7\0\0"s,                       // MongoDB: the length counts itself
           "\x17\x03\x03\x00\x20" + std::string(32, 'x'),                   // TLS
           "\x12\x34\x01\x20\x00\x01\x00\x00\x00\x00\x00\x01"s,             // DNS
           std::string(64, '\0'), std::string(64, '\1'), packet(0, "\x03\x7f\x01\x02 no text"),
           send(0x0e, "too long for a ping"), ok(1) + "trailing", packet(5, "\0\0\0\2\0\0\0"s)})
    EXPECT_EQ(in_the_middle(bytes), Guess::no) << bytes;
}

TEST(MysqlRecognition, AsksForMoreWhereThereIsJustAHeader) {
  EXPECT_EQ(in_the_middle(query("SELECT 1").substr(0, 4)), Guess::maybe_with_more);
  EXPECT_EQ(in_the_middle(query("SELECT 1").substr(0, 2)), Guess::maybe_with_more);
}

TEST(MysqlCommands, FindTheStatementBehindQueryAttributes) {
  const std::string attributes = "\4\1\2\1"s + "\xfd\0"s + text("traceparent") + "\3\0"s + text("number") + "\xfe\0"s +
                                 text("x") + "\x0c\0"s + text("when") + text("00-secret") + integer(0, 0) +
                                 text("secret") + "\4\1\2\3\4"s;
  const std::string payload = "\x03" + attributes + "SELECT 1";
  EXPECT_EQ(statement_of_query(payload, mysql8), "SELECT 1");
  EXPECT_EQ(statement_of_query(payload, std::nullopt), "SELECT 1");
  EXPECT_EQ(statement_of_query("\x03\0\1SELECT 1"s, mysql8), "SELECT 1");
  EXPECT_EQ(statement_of_query("\x03SELECT 1", mariadb), "SELECT 1");
  EXPECT_EQ(statement_of_query("\x03\nSELECT 1", std::nullopt), "\nSELECT 1");
  EXPECT_EQ(statement_of_query(std::string_view(payload).substr(0, 40), mysql8), std::nullopt);
  EXPECT_EQ(statement_of_query("\x03\1\1\0\1\x77\0\1a..."s, mysql8), std::nullopt) << "no such type";
}

TEST(MysqlCommands, KnowAUseOfASchemaFromAnythingElse) {
  EXPECT_EQ(used_schema("USE shop"), "shop");
  EXPECT_EQ(used_schema("  use\t`my shop` ; "), "my shop");
  for (const char* other : {"USED x", "USE", "USE a; SELECT 1", "USE `a`.`b`", "SELECT 1", "USE a b"})
    EXPECT_EQ(used_schema(other), "") << other;
}

}  // namespace
}  // namespace subfloor::protocols::mysql
