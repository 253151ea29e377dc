// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "cli/text.h"

namespace subfloor::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

Row sample() {
  Row row;
  row.time = "2026-01-31T12:34:56.789123456Z";
  row.kind = "server";
  row.client = {"curl", 1234};
  row.server = {"nginx", 567};
  row.method = "GET";
  row.path = "/shop/items";
  row.query = "page=2";
  row.status = 200;
  row.duration = 12'345'678;
  row.request_bytes = 0;
  row.response_bytes = 34'567;
  return row;
}

class CallTable : public testing::Test {
 protected:
  void SetUp() override {
    setenv("TZ", "UTC", 1);
    tzset();
  }
  static std::string drawn(const Row& row, std::size_t width, bool utf8 = true, bool colour = false) {
    return Table({width, colour, utf8}).row(row);
  }
  static std::size_t length(const std::string& line) { return columns(line.substr(0, line.size() - 1)); }
};

TEST_F(CallTable, ShowsEverythingWhenWide) {
  const Table table({200, false, true});
  const std::string line = table.row(sample());
  EXPECT_THAT(line, HasSubstr("12:34:56.789 curl:1234"));
  EXPECT_THAT(line, HasSubstr(" → nginx:567"));
  EXPECT_THAT(line, HasSubstr(" server GET     /shop/items?page=2 "));
  EXPECT_THAT(line, HasSubstr(" 200   12.3ms ▃     0B    34K\n"));
  const std::string header = table.header();
  EXPECT_EQ(columns(header.substr(0, header.find("PATH"))), columns(line.substr(0, line.find("/shop"))));
  EXPECT_EQ(columns(header.substr(0, header.find("SERVER"))), columns(line.substr(0, line.find("nginx"))));
}

TEST_F(CallTable, NeverExceedsTheWidth) {
  Row row = sample();
  row.path = "/" + std::string(500, 'p');
  row.client.name = row.server.name = std::string(100, 'n');
  row.method = std::string(50, 'M');
  row.partial = "joined_late,lost,no_response";
  row.duration = 3'599'000'000'000;
  for (std::size_t width = 60; width <= 220; ++width) {
    EXPECT_LE(length(drawn(row, width)), width);
    EXPECT_LE(length(drawn(row, width, false)), width);
    EXPECT_LE(length(Table({width, false, true}).header()), width);
  }
}

TEST_F(CallTable, KeepsEveryRowAlignedWhateverItHolds) {
  Row odd = sample();
  odd.path = "/\xe6\x97\xa5\xe6\x9c\xac/\xf0\x9f\x98\x80";
  odd.client.name = "\xe6\x97\xa5";
  odd.method = "";
  Row none = sample();
  none.status.reset();
  none.response_bytes.reset();
  for (const std::size_t width : {60U, 100U, 200U}) {
    const auto before_status = [&](const Row& row, const char* status) {
      const std::string line = drawn(row, width);
      return columns(line.substr(0, line.rfind(status)));
    };
    EXPECT_EQ(before_status(odd, " 200 "), before_status(sample(), " 200 ")) << width;
    const std::string line = drawn(none, width);
    EXPECT_EQ(length(line), length(drawn(sample(), width))) << line;
  }
}

TEST_F(CallTable, DropsColumnsRatherThanThePathWhenNarrow) {
  const std::string line = drawn(sample(), 60);
  EXPECT_THAT(line, HasSubstr("12:34:56 curl     → nginx    s GET"));
  EXPECT_THAT(line, HasSubstr("…"));
  EXPECT_THAT(line, HasSubstr(" 200   12.3ms\n"));
}

TEST_F(CallTable, WritesWholePathsWhereThereIsNoTerminal) {
  Row row = sample();
  row.path = "/" + std::string(500, 'p');
  EXPECT_THAT(drawn(row, 0), HasSubstr(row.path + "?page=2 "));
}

TEST_F(CallTable, LetsNoHostileByteThrough) {
  Row row = sample();
  row.path =
      "/\x1b[2J\x1b]0;owned\x07\r\n\x7f\xc2\x9b"
      "31m\xff\xe2\x80\xae";
  row.query = "\x1b[31m";
  row.method =
      "G\x1b"
      "c";
  row.client.name = "evil\x1b[0m\n";
  row.server.name =
      "\x9b"
      "2K";
  row.kind = "\x1b";
  row.time = "\x1b[H";
  row.partial = "\x1b";
  for (const bool utf8 : {true, false}) {
    const std::string line = drawn(row, 300, utf8);
    for (const char byte : line.substr(0, line.size() - 1)) {
      EXPECT_FALSE(static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f);
      if (!utf8) {
        EXPECT_LT(static_cast<unsigned char>(byte), 0x80);
      }
    }
    EXPECT_THAT(line, HasSubstr("/\\x1b[2J\\x1b]0;owned\\x07\\x0d\\x0a\\x7f\\u{9b}31m\\xff\\u{202e}?\\x1b[31m"));
  }
}

TEST_F(CallTable, ColoursByMeaningAndOnlyWhenAsked) {
  EXPECT_THAT(drawn(sample(), 150), Not(HasSubstr("\x1b")));
  Row row = sample();
  EXPECT_THAT(drawn(row, 150, true, true), HasSubstr("\x1b[32m200\x1b[0m"));
  EXPECT_THAT(drawn(row, 150, true, true), HasSubstr("/shop/items\x1b[2m?page=2"));
  row.status = 404;
  EXPECT_THAT(drawn(row, 150, true, true), HasSubstr("\x1b[33m404\x1b[0m"));
  row.status = 503;
  EXPECT_THAT(drawn(row, 150, true, true), HasSubstr("\x1b[1;31m503\x1b[0m"));
  row.duration = 2'000'000'000;
  EXPECT_THAT(drawn(row, 150, true, true), HasSubstr("\x1b[31m  2.00s\x1b[0m \x1b[31m▇"));
}

TEST_F(CallTable, MarksPartialCallsAtAnyWidth) {
  Row row = sample();
  row.partial = "no_response";
  row.status.reset();
  EXPECT_THAT(drawn(row, 60), HasSubstr("  -~ "));
  EXPECT_THAT(drawn(row, 160), HasSubstr("no_response"));
}

TEST(RowFromJson, TakesTheClientsAndTheServersView) {
  const auto server =
      parse_row(R"({"time":"t","kind":"server","duration_ns":5,"service.name":"nginx","process.pid":7,)"
                R"("network.peer.address":"10.0.0.1","network.peer.port":4000,"http.request.method":"GET",)"
                R"("url.path":"/a","url.query":"b=c","http.response.status_code":200,)"
                R"("http.request.body.size":1,"http.response.body.size":2,"partial":false})");
  ASSERT_TRUE(server);
  EXPECT_EQ(server->server.name, "nginx");
  EXPECT_EQ(server->server.pid, 7U);
  EXPECT_EQ(server->client.name, "10.0.0.1:4000");
  EXPECT_EQ(server->method + server->path + "?" + server->query, "GET/a?b=c");
  EXPECT_EQ(server->status, 200);
  EXPECT_EQ(server->request_bytes + *server->response_bytes, 3U);
  EXPECT_EQ(server->partial, "");

  const auto client =
      parse_row(R"({"time":"t","kind":"client","service.name":"curl","process.pid":8,"peer.service":"nginx",)"
                R"("peer.process.pid":7,"partial":true,"partial_reasons":["lost","headers"]})");
  ASSERT_TRUE(client);
  EXPECT_EQ(client->client.name, "curl");
  EXPECT_EQ(client->server.name, "nginx");
  EXPECT_EQ(client->server.pid, 7U);
  EXPECT_FALSE(client->status);
  EXPECT_EQ(client->partial, "lost,headers");
}

TEST(RowFromJson, WritesAddressesSoThatPortsAreClear) {
  const auto row = parse_row(R"({"time":"t","kind":"server","network.peer.address":"::1","network.peer.port":4000})");
  ASSERT_TRUE(row);
  EXPECT_EQ(row->client.name, "[::1]:4000");
}

TEST(RowFromJson, RefusesWhatIsNoCall) {
  for (const char* bad : {"", "{", "[]", "7", "{\"kind\":\"server\"}", "\xff"}) EXPECT_FALSE(parse_row(bad)) << bad;
  EXPECT_TRUE(
      parse_row(R"({"time":7,"kind":[],"duration_ns":-1,"http.response.status_code":"x","partial_reasons":7})"));
}

TEST(Text, CountsColumnsNotBytes) {
  EXPECT_EQ(columns("abc"), 3U);
  EXPECT_EQ(columns("…µ"), 2U);
  EXPECT_EQ(columns("\xe6\x97\xa5"), 2U);
  EXPECT_EQ(fit("\xe6\x97\xa5\xe6\x9c\xac", 3, true), "\xe6\x97\xa5…");
  EXPECT_EQ(fit("\xe6\x97\xa5\xe6\x9c\xac", 2, true), "… ");
  EXPECT_EQ(fit("abcdef", 5, false), "abcd>");
  EXPECT_EQ(fit("ab", 4, true, Align::right), "  ab");
}

TEST(Text, WritesDurationsInThreeDigitsAndSevenColumns) {
  EXPECT_EQ(human_duration(0, true), "0ns");
  EXPECT_EQ(human_duration(999, true), "999ns");
  EXPECT_EQ(human_duration(1'234, true), "1.23µs");
  EXPECT_EQ(human_duration(999'600, true), "1.00ms");
  EXPECT_EQ(human_duration(123'400'000, false), "123ms");
  EXPECT_EQ(human_duration(12'340'000'000, true), "12.3s");
  EXPECT_EQ(human_duration(725'000'000'000, true), "12m05s");
  EXPECT_EQ(human_duration(7'260'000'000'000, true), "2h01m");
  for (Nanoseconds duration = 1; duration < 1'000'000'000'000'000'000; duration += duration / 3 + 1)
    ASSERT_LE(columns(human_duration(duration, true)), 7U) << duration;
}

TEST(Text, WritesSizesInFiveColumns) {
  EXPECT_EQ(human_size(0), "0B");
  EXPECT_EQ(human_size(999), "999B");
  EXPECT_EQ(human_size(1234), "1.2K");
  EXPECT_EQ(human_size(104'857'600), "100M");
  for (std::uint64_t size = 1; size < std::uint64_t{1} << 62; size += size / 3 + 1)
    ASSERT_LE(columns(human_size(size)), 5U) << size;
}

TEST(Terminal, ColoursNothingThatIsNoTerminal) {
  const Look look =
      look_of(-1, [](const char* name) -> const char* { return std::string_view(name) == "TERM" ? "xterm" : nullptr; });
  EXPECT_FALSE(look.colour);
  EXPECT_EQ(look.width, 0U);
  EXPECT_TRUE(look.utf8);
  EXPECT_FALSE(look_of(-1, [](const char* name) -> const char* {
                 return std::string_view(name) == "LANG" ? "C" : nullptr;
               }).utf8);
}

Row query() {
  Row row = sample();
  row.protocol = "postgresql";
  row.method = "SELECT";
  row.path = "orders";
  row.query.clear();
  row.status.reset();
  return row;
}

TEST_F(CallTable, ShowsOtherProtocolsByOperationAndTarget) {
  EXPECT_THAT(drawn(query(), 160), HasSubstr(" postgresql SELECT orders "));
  EXPECT_THAT(drawn(query(), 160), HasSubstr("  ok   12.3ms"));
  Row failed = query();
  failed.failed = true;
  failed.outcome = "42P01";
  EXPECT_THAT(drawn(failed, 160), HasSubstr(" postgresql SELECT orders 42P01 "));
  EXPECT_THAT(drawn(failed, 160), HasSubstr(" err   12.3ms"));
  Row unanswered = query();
  unanswered.answered = false;
  unanswered.partial = "no_response";
  EXPECT_THAT(drawn(unanswered, 160), HasSubstr("   -~  12.3ms"));
  Row named = query();
  named.status = 5;
  named.outcome = "NOT_FOUND";
  EXPECT_THAT(drawn(named, 160), HasSubstr(" NOT_FOUND "));
  EXPECT_THAT(drawn(named, 160), HasSubstr("   5   12.3ms"));
}

TEST_F(CallTable, KeepsOtherProtocolsAlignedAndWithinTheWidth) {
  Row longest = query();
  longest.path = std::string(500, 'p');
  longest.failed = true;
  longest.outcome = std::string(500, 'o');
  for (std::size_t width = 60; width <= 220; ++width) {
    for (const Row& row : {query(), longest}) {
      EXPECT_LE(length(drawn(row, width)), width);
      EXPECT_EQ(length(drawn(row, width)), length(drawn(sample(), width))) << width;
      EXPECT_LE(length(drawn(row, width, false)), width);
    }
  }
  EXPECT_THAT(drawn(longest, 0), HasSubstr(longest.path + " " + longest.outcome));
}

TEST_F(CallTable, ReadsOtherProtocolsFromJson) {
  const auto row = parse_row(R"({"time":"t","protocol":"grpc","kind":"server","operation":"shop.Cart/Add","status_code":5,)"
                             R"("status_text":"NOT_FOUND","duration_ns":1})");
  ASSERT_TRUE(row);
  EXPECT_EQ(row->protocol, "grpc");
  EXPECT_EQ(row->method, "shop.Cart/Add");
  EXPECT_EQ(row->outcome, "NOT_FOUND");
  EXPECT_FALSE(row->failed);
  const auto error = parse_row(R"({"time":"t","protocol":"redis","operation":"GET","error.type":"WRONGTYPE","partial":true,)"
                               R"("partial_reasons":["context"]})");
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->failed && error->answered);
  EXPECT_EQ(error->outcome, "WRONGTYPE");
  EXPECT_FALSE(parse_row(R"({"time":"t","protocol":"dns","partial":true,"partial_reasons":["no_response"]})")->answered);
  EXPECT_EQ(parse_row(R"({"time":"t","protocol":"http","http.request.method":"GET"})")->protocol, "");
}

}  // namespace
}  // namespace subfloor::cli
