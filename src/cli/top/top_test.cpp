// SPDX-License-Identifier: Apache-2.0
// Keys, the board and what is drawn of it: no terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/text.h"
#include "cli/top/draw.h"
#include "cli/top/keys.h"

namespace subfloor::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;
using Name = Key::Name;

Json row(const std::string& service, double rate, const std::string& target = "/a") {
  return {{"service", service}, {"kind", "server"}, {"protocol", "http"}, {"operation", "GET"}, {"target", target},
          {"calls", static_cast<std::uint64_t>(rate)}, {"rate", rate}, {"error_ratio", 0.25}, {"p50_ns", 1'000'000U},
          {"p95_ns", 2'000'000U}, {"p99_ns", 3'000'000U}, {"total_calls", 1234U}, {"response_bytes_rate", 2048.0}};
}

Json sums(const std::vector<Json>& rows) {
  return {{"time", "2026-01-31T12:34:56.0Z"}, {"by", "route"}, {"interval_s", 1.0}, {"rate_over_s", 10.0},
          {"rate", 12.0}, {"error_ratio", 0.25}, {"total_calls", 1234567U}, {"completeness", 0.99999}, {"lost", 3U},
          {"rung", "fentry"}, {"rows", rows}};
}

Board board_of(const std::vector<Json>& rows) {
  Board board;
  EXPECT_TRUE(board.take(sums(rows).dump()));
  return board;
}

std::vector<std::string> names(const Board& board, TopSort sort, bool inverted = false, std::string_view text = "") {
  std::vector<std::string> all;
  for (const BoardRow* one : board.rows(sort, inverted, text)) all.push_back(one->service);
  return all;
}

TEST(Keys, AreReadFromWhatTerminalsSend) {
  EXPECT_EQ(read_keys("a\x1b[A\x1bOB\x1b[6~\r\x7fé"),
            (std::vector<Key>{{Name::text, "a"}, {Name::up}, {Name::down}, {Name::page_down}, {Name::enter},
                              {Name::backspace}, {Name::text, "é"}}));
  EXPECT_EQ(read_keys("\x1b"), std::vector<Key>{{Name::escape}});
  EXPECT_EQ(read_keys("\x1b[1;5C\x1b[200~x"), (std::vector<Key>{{Name::text, "x"}})) << "unknown ones are left out";
  EXPECT_EQ(read_keys(std::string("\0\x01\t", 3)), std::vector<Key>{});
}

TEST(TopBoard, SortsByEachColumn) {
  Json slow = row("slow", 1), failing = row("failing", 2), big = row("big", 3);
  slow["p50_ns"] = slow["p95_ns"] = slow["p99_ns"] = 9'000'000'000U;
  failing["error_ratio"] = 1.0;
  big["request_bytes_rate"] = 1e9;
  const Board board = board_of({slow, failing, big});
  EXPECT_THAT(names(board, TopSort::rate), ElementsAre("big", "failing", "slow"));
  EXPECT_THAT(names(board, TopSort::rate, true), ElementsAre("slow", "failing", "big"));
  EXPECT_THAT(names(board, TopSort::name), ElementsAre("big", "failing", "slow"));
  EXPECT_THAT(names(board, TopSort::name, true), ElementsAre("slow", "failing", "big"));
  EXPECT_EQ(names(board, TopSort::errors)[0], "failing");
  EXPECT_EQ(names(board, TopSort::bytes)[0], "big");
  for (const TopSort sort : {TopSort::p50, TopSort::p95, TopSort::p99}) EXPECT_EQ(names(board, sort)[0], "slow");
}

TEST(TopBoard, FiltersByTextWhateverItsCase) {
  const Board board = board_of({row("shop", 1, "/orders/{id}"), row("blog", 1, "/posts")});
  EXPECT_THAT(names(board, TopSort::rate, false, "ORDERS"), ElementsAre("shop"));
  EXPECT_THAT(names(board, TopSort::rate, false, "get /p"), ElementsAre("blog"));
  EXPECT_THAT(names(board, TopSort::rate, false, "nothing"), ElementsAre());
}

TEST(TopBoard, RemembersWhatARowDidBefore) {
  Board board = board_of({row("shop", 4)});
  ASSERT_TRUE(board.take(sums({}).dump()));
  ASSERT_TRUE(board.take(sums({row("shop", 8)}).dump()));
  EXPECT_THAT(*board.rows(TopSort::rate, false, "").at(0)->past, ElementsAre(4, 0, 8));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(board.take(sums({row("shop", 1)}).dump()));
  EXPECT_EQ(board.rows(TopSort::rate, false, "").at(0)->past->size(), Board::longest_past);
}

TEST(TopBoard, SurvivesWhateverAnAgentSays) {
  Board board;
  for (const char* line : {"", "[]", "{", R"({"rows":1})", R"({"error":"x"})"}) EXPECT_FALSE(board.take(line)) << line;
  EXPECT_TRUE(board.take(R"({"rows":[1,"x",{},{"rate":"x","p50_ns":-1,"calls":1.5}],"other":7,"interval_s":0})"));
  EXPECT_EQ(board.rows(TopSort::p99, false, "").size(), 2U);
  EXPECT_FALSE(draw_top(board, {}, {100, false, true}, 24).empty());
}

TEST(TopDrawing, TellsLossesAndNeverRoundsThemAway) {
  const auto lines = draw_top(board_of({row("shop", 12)}), {}, {160, false, true}, 24);
  EXPECT_THAT(lines[0], HasSubstr("by route · 12/s · 25% errors · completeness 0.9999 · 3 lost · fentry"));
  EXPECT_THAT(lines[1], HasSubstr("1,234,567 calls since the start · over the last 10 s · 1 of 1 rows"));
  EXPECT_THAT(lines[2], HasSubstr("▼RATE/s"));
  EXPECT_THAT(lines[3], HasSubstr("GET        /a"));
  EXPECT_THAT(lines[3], HasSubstr("   12    25%  1.00ms  2.00ms  3.00ms      -   2.0K"));
}

TEST(TopDrawing, FitsAnyTerminal) {
  std::vector<Json> rows;
  for (int i = 0; i < 100; ++i) rows.push_back(row(std::string(200, 's'), 100 - i, "/" + std::string(300, 'r')));
  rows[0]["p50_ns"] = 3'599'000'000'000U;
  Json json = sums(rows);
  for (const char* by : {"workload", "peer", "route", "operation"}) {
    json["by"] = by;
    Board board;
    ASSERT_TRUE(board.take(json.dump()));
    for (std::size_t width = 64; width < 240; width += 7) {
      for (const bool utf8 : {true, false}) {
        for (const bool help : {true, false}) {
          const auto lines = draw_top(board, {.help = help}, {width, false, utf8}, 20);
          EXPECT_LE(lines.size(), 20U);
          for (const std::string& line : lines) EXPECT_LE(columns(line), width) << by << "\n" << line;
        }
      }
    }
  }
}

TEST(TopDrawing, ScrollsAndStopsAtTheEnd) {
  std::vector<Json> rows;
  for (int i = 0; i < 50; ++i) rows.push_back(row("service" + std::to_string(i), 100 - i));
  const Board board = board_of(rows);
  const auto first_row = [&](std::size_t first) {
    return draw_top(board, {.first = first}, {160, false, true}, 14)[3].substr(0, 10);
  };
  EXPECT_EQ(rows_per_page(14), 10U);
  EXPECT_EQ(first_row(0), "service0  ");
  EXPECT_EQ(first_row(7), "service7  ");
  EXPECT_EQ(first_row(1000), "service40 ");
}

TEST(TopDrawing, LetsNoHostileByteThrough) {
  Json odd = row("evil\x1b[2J", 1, "/\x1b]0;owned\x07");
  odd["peer"] = odd["operation"] = odd["protocol"] = odd["kind"] = "\x1b\n\r";
  Json json = sums({odd});
  json["rung"] = json["by"] = "\x1b[31m\n";
  Board board;
  ASSERT_TRUE(board.take(json.dump()));
  for (const std::string& line : draw_top(board, {.text = ""}, {160, false, true}, 24)) {
    EXPECT_EQ(line.find('\x1b'), std::string::npos) << line;
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
  }
}

TEST(TopDrawing, HasNoColoursWhereThereAreNone) {
  for (const std::string& line : draw_top(board_of({row("shop", 12)}), {}, {0, false, true}, 0))
    EXPECT_THAT(line, Not(HasSubstr("\x1b")));
  EXPECT_THAT(draw_top(board_of({row("shop", 12)}), {}, {120, true, true}, 24)[3], HasSubstr("\x1b[31m"));
}

TEST(Sparkline, ShowsTheNewestAndWhateverIsNotNothing) {
  const std::deque<double> values{100, 0, 1, 50, 100};
  EXPECT_EQ(sparkline(&values, 4, true), " ▁▄█");
  EXPECT_EQ(sparkline(&values, 7, false), "  # .:#");
  EXPECT_EQ(sparkline(nullptr, 3, true), "   ");
}

}  // namespace
}  // namespace subfloor::cli
