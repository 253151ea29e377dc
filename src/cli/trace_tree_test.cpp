// SPDX-License-Identifier: Apache-2.0
#include "cli/trace_tree.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace subfloor::cli {
namespace {

using nlohmann::json;

json call(const char* span, const char* parent, Nanoseconds start, Nanoseconds duration, const char* service) {
  return {{"span_id", span},    {"parent_span_id", parent}, {"time_unix_ns", start}, {"duration_ns", duration},
          {"service", service}, {"process.pid", 7},         {"kind", "server"},      {"protocol", "http"},
          {"operation", "GET"}, {"target", "/x"},           {"status", 200}};
}

TEST(TraceTree, ShowsWhoCalledWhomAndWhen) {
  const json trace{{"calls", json::array({call("a", "", 0, 1000, "shop"), call("b", "a", 100, 200, "cache"),
                                          call("c", "a", 500, 500, "db"), call("d", "c", 600, 100, "disk")})}};
  EXPECT_EQ(trace_tree(trace, {.width = 80, .colour = false, .utf8 = false}),
            "4 calls in 1.00us\n"
            "shop 7 server http GET /x 200         1.00us ##################################\n"
            "|- cache 7 server http GET /x 200      200ns    #######\n"
            "`- db 7 server http GET /x 200         500ns                  #################\n"
            "   `- disk 7 server http GET /x 200    100ns                     ###\n");
}

TEST(TraceTree, TakesCallsWithoutTheirParentForRoots) {
  const json trace{{"calls", json::array({call("b", "elsewhere", 100, 200, "cache"), call("c", "", 500, 500, "db")})}};
  const std::string text = trace_tree(trace, {.width = 80, .colour = false, .utf8 = false});
  EXPECT_NE(text.find("\ncache 7"), std::string::npos) << text;
  EXPECT_NE(text.find("\ndb 7"), std::string::npos) << text;
}

TEST(TraceTree, SurvivesWhatNoAgentSays) {
  const json circle{
      {"calls", json::array({call("a", "b", 0, 1, "x"), call("b", "a", 0, 1, "y"), 17, {{"span_id", 3}}})}};
  EXPECT_FALSE(trace_tree(circle, {.width = 20}).empty());
  EXPECT_EQ(trace_tree(json::object(), {}), "");
}

TEST(TraceTree, LetsNoTextReachTheTerminalAsItIs) {
  const json trace{{"calls", json::array({call("a", "", 0, 10, "\x1b[2J")})}};
  EXPECT_EQ(trace_tree(trace, {.width = 80}).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace subfloor::cli
