// SPDX-License-Identifier: Apache-2.0
#include "cli/map/view.h"

#include <gtest/gtest.h>

namespace subfloor::cli {
namespace {

using Json = nlohmann::json;

Json node(const char* name, const char* name_space = "", const char* pod = "") {
  Json json = {{"kind", *pod == '\0' ? "process" : "pod"}, {"name", name}};
  if (*name_space != '\0') json["namespace"] = name_space;
  if (*pod != '\0') json["pod"] = pod;
  return json;
}

Json edge(Json client, Json server, int calls = 60, int errors = 0) {
  return {{"client", std::move(client)},
          {"server", std::move(server)},
          {"protocol", "http"},
          {"calls", calls},
          {"errors", errors},
          {"rate", calls / 60.0},
          {"p50_ns", 1'200'000},
          {"p99_ns", 5'000'000}};
}

// As it comes off the wire, where numbers have no sign.
Json received(const Json& json) { return Json::parse(json.dump()); }
Json map(std::vector<Json> edges) { return received({{"over_s", 60.0}, {"edges", std::move(edges)}}); }

constexpr Look plain{.width = 0, .colour = false, .utf8 = true};

TEST(MapTree, GoesFromThoseNobodyCallsDown) {
  const Json front = node("front", "edge", "front-1"), api = node("api", "shop", "api-1"), db = node("postgres");
  const std::string tree = map_tree(map({edge(front, api), edge(api, db, 30, 3), edge(node("curl"), front)}), plain);
  EXPECT_EQ(tree,
            "curl  [process]\n"
            "└─ http  1.0/s  p50 1.20ms  p99 5.00ms  → edge/front  [front-1]\n"
            "   └─ http  1.0/s  p50 1.20ms  p99 5.00ms  → shop/api  [api-1]\n"
            "      └─ http  0.5/s  10.0% failed  p50 1.20ms  p99 5.00ms  → postgres  [process]\n");
}

TEST(MapTree, TellsWhoIsCalledFromSeveralPlacesOnce) {
  const std::string tree =
      map_tree(map({edge(node("a"), node("c")), edge(node("b"), node("c")), edge(node("c"), node("d"))}), plain);
  EXPECT_EQ(tree,
            "a  [process]\n"
            "└─ http  1.0/s  p50 1.20ms  p99 5.00ms  → c  [process]\n"
            "   └─ http  1.0/s  p50 1.20ms  p99 5.00ms  → d  [process]\n"
            "b  [process]\n"
            "└─ http  1.0/s  p50 1.20ms  p99 5.00ms  → c  [process]  (see above)\n");
}

TEST(MapTree, EndsWhereCallsGoInCircles) {
  const std::string tree =
      map_tree(map({edge(node("a"), node("b")), edge(node("b"), node("a")), edge(node("a"), node("a"))}), plain);
  EXPECT_EQ(tree,
            "a  [process]\n"
            "├─ http  1.0/s  p50 1.20ms  p99 5.00ms  → b  [process]\n"
            "│  └─ http  1.0/s  p50 1.20ms  p99 5.00ms  → a  [process]  (see above)\n"
            "└─ http  1.0/s  p50 1.20ms  p99 5.00ms  → a  [process]  (itself)\n");
}

TEST(MapTree, ColoursOnlyWhereItMayAndLetsNoNameDoSo) {
  const Json hostile = map({edge(node("a\x1b[2J"), node("b"), 10, 10)});
  EXPECT_EQ(map_tree(hostile, plain).find('\x1b'), std::string::npos);
  const std::string coloured = map_tree(hostile, {.width = 80, .colour = true, .utf8 = false});
  EXPECT_NE(coloured.find("\x1b[31m100.0% failed\x1b[0m"), std::string::npos);
  EXPECT_EQ(coloured.find("\x1b[2J"), std::string::npos);
}

TEST(MapTree, SaysThatThereWereNoCallsAndWhatIsLeftOut) {
  EXPECT_EQ(map_tree(map({}), plain), "no calls in the last 60 s\n");
  Json more = map({edge(node("a"), node("b"))});
  more["other"] = {{"edges", 2}, {"calls", 7}};
  EXPECT_NE(map_tree(received(more), plain).find("7 calls of others are not in this map\n"), std::string::npos);
}

TEST(MapTree, TakesNothingForGranted) {
  for (const char* text : {"null", "[]", "{}", R"({"edges":7})", R"({"edges":[7,{"client":8,"calls":-1,"rate":"x"}]})"})
    EXPECT_FALSE(map_tree(Json::parse(text), plain).empty()) << text;
}

TEST(MapDot, QuotesWhatNamesMayHold) {
  const std::string dot = map_dot(map({edge(node("a\"b\\"), node("web", "shop", "web-1"), 10, 1)}));
  EXPECT_NE(dot.find(R"(n0 [label="a\"b\\\nprocess"];)"), std::string::npos) << dot;
  EXPECT_NE(dot.find(R"(n1 [label="shop/web\nweb-1"];)"), std::string::npos) << dot;
  EXPECT_NE(dot.find("n0 -> n1 [label=\"http 0.2/s 10.0% failed p99 5.00ms\", color=red];"), std::string::npos) << dot;
}

}  // namespace
}  // namespace subfloor::cli
