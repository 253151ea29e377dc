// SPDX-License-Identifier: Apache-2.0
#include "cli/status_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace subfloor::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json sample() {
  return json::parse(R"~({"version":"0.1.0","pid":42,"uptime_s":3725,
    "sensors":[{"name":"tcp","rung":"syscall","lost":"costs more","refused":[{"rung":"tracepoint","why":"Invalid argument (EINVAL)"}]},
               {"name":"process","rung":"tracepoint","lost":"","refused":[]}],
    "losses":{"tcp_send":{"ring_full":3,"no_key":0},"tcp_receive":{"ring_full":4}},
    "completeness":{"window":1.0,"total":0.9876},
    "cost":{"cpu_seconds":37.25,"rss_bytes":20971520,"records":1000,"calls":500},
    "connections":12})~");
}

TEST(StatusView, TellsHealthCostAndLosses) {
  const std::string page = status_table(sample(), {});
  for (const char* part : {"running · version 0.1.0 · pid 42 · up 1h 2m\n", "tcp: syscall\n", "without: costs more\n",
                           "tracepoint refused: Invalid argument (EINVAL)\n", "process: tracepoint\n",
                           "1.0000 in the last window, 0.9876 since the start\n", "lost            7\n",
                           "tcp_send · ring_full: 3\n", "tcp_receive · ring_full: 4\n",
                           "37.25 s (1.00 % of one core)\n", "memory          20M\n", "connections     12\n"})
    EXPECT_THAT(page, HasSubstr(part));
  EXPECT_THAT(page, testing::Not(HasSubstr("no_key"))) << "causes that lost nothing are not listed";
}

TEST(StatusView, TellsWhatCameOfAReload) {
  json status = sample();
  status["config"] = json::parse(R"~({"file":"/etc/subfloor/subfloor.yaml","generation":3,"loaded":"T1",
    "waiting_for_restart":["api.socket","capture.rung"],
    "last_reload":{"succeeded":false,"time":"T2","message":"/etc/subfloor/subfloor.yaml:1:2: no"}})~");
  const std::string page = status_table(status, {});
  EXPECT_THAT(page, HasSubstr("configuration   /etc/subfloor/subfloor.yaml · generation 3, since T1\n"));
  EXPECT_THAT(page, HasSubstr("reload at T2 refused: /etc/subfloor/subfloor.yaml:1:2: no\n"));
  EXPECT_THAT(page, HasSubstr("waiting for a restart: api.socket, capture.rung\n"));
  status["config"]["last_reload"]["succeeded"] = true;
  status["config"]["waiting_for_restart"] = json::array();
  EXPECT_THAT(status_table(status, {}), testing::Not(testing::ContainsRegex("refused: /etc|restart")));
}

TEST(StatusView, SumsLossesOfEitherForm) {
  EXPECT_EQ(lost_of(sample()), 7U);
  EXPECT_EQ(lost_of(json::parse(R"({"losses":[{"family":"a","cause":"b","count":5},{"count":6}]})")), 11U);
}

TEST(StatusView, NeverRoundsUpToComplete) {
  EXPECT_EQ(completeness_of(json::parse(R"({"completeness":{"total":0.99999}})")), "0.9999");
  EXPECT_EQ(completeness_of(json::parse(R"({"completeness":{"total":1}})")), "1.0000");
}

TEST(StatusView, NamesTheRungOfThePayloadSensor) {
  EXPECT_EQ(payload_rung(sample()), "syscall");
  EXPECT_EQ(payload_rung(json::parse(R"({"sensors":[{"name":"process","rung":"x"}]})")), "");
  EXPECT_EQ(payload_rung(json::object()), "");
}

TEST(StatusView, SurvivesAnAnswerOfAnotherShape) {
  for (const char* odd :
       {"null", "7", "[]", "{}", R"({"sensors":{"a":1},"losses":7,"completeness":[],"cost":"x","pid":"y"})",
        R"({"sensors":[1,null],"losses":{"a":[]},"uptime_s":-1,"pid":-3,"connections":{"tcp":1}})"}) {
    const json status = json::parse(odd);
    EXPECT_THAT(status_table(status, {}), HasSubstr("lost            0\n")) << odd;
    EXPECT_EQ(completeness_of(status), "unknown");
  }
}

TEST(StatusView, LetsNoHostileByteThrough) {
  json status = sample();
  status["version"] = "\x1b[2J";
  EXPECT_THAT(status_table(status, {}), HasSubstr("\\x1b[2J"));
}

TEST(StatusTable, TellsWhatExportersSentAndDropped) {
  const std::string table = status_table(nlohmann::json::parse(R"({"exporters": {"otlp_traces": {
      "endpoint": "http://c:4318/v1/traces", "protocol": "http/protobuf", "sent": 12, "queued": 3,
      "dropped": {"queue_full": 7, "rejected": 0}, "last_error": "HTTP 503"}, "json": {"sent": 2}}})"),
                                         Look{});
  for (const char* part : {"otlp_traces", "http/protobuf to http://c:4318/v1/traces", "12 sent, 3 wait",
                           "queue_full: 7", "last attempt: HTTP 503", "json"}) {
    EXPECT_NE(table.find(part), std::string::npos) << part << " in\n" << table;
  }
  EXPECT_EQ(table.find("rejected"), std::string::npos);
}

}  // namespace
}  // namespace subfloor::cli
