// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/filter.h"

#include <gtest/gtest.h>

#include "telemetry/service_name.h"

namespace subfloor {
namespace {

constexpr Protocol http1{"http1", &http_family};

struct Sample {
  Call call;
  Connection connection;
  Process process;
  std::string trace = "0123456789abcdef0123456789abcdef";

  Sample() {
    call.protocol = &http1;
    call.pid = process.pid = 42;
    call.status = 404;
    process.comm = "nginx";
    process.executable = "/usr/sbin/nginx-debug";
  }
  [[nodiscard]] Observation observation() const {
    return {call, connection, process, nullptr, trace, "0123456789abcdef", "", service_name(process)};
  }
};

CallFilter parse(const char* json) {
  const auto filter = CallFilter::from_json(nlohmann::json::parse(json));
  EXPECT_TRUE(filter) << (filter ? "" : filter.error().message);
  return filter ? *filter : CallFilter{};
}

std::string error_of(const char* json) {
  const auto filter = CallFilter::from_json(nlohmann::json::parse(json));
  return filter ? "no error" : filter.error().message;
}

TEST(CallFilter, LetsEverythingThroughWhenEmpty) { EXPECT_TRUE(CallFilter{}.matches(Sample{}.observation())); }

TEST(CallFilter, MatchesEachFieldAlone) {
  const Sample sample;
  for (const char* yes : {R"({"protocol":"http1"})", R"({"protocol":"http"})", R"({"status":"404"})",
                          R"({"status":"4xx"})", R"({"status":"2xx,404"})", R"({"pid":42})", R"({"service":"nginx"})",
                          R"({"service":"nginx-debug"})", R"({"trace":"0123456789ABCDEF0123456789abcdef"})"})
    EXPECT_TRUE(parse(yes).matches(sample.observation())) << yes;
  for (const char* no : {R"({"protocol":"http2"})", R"({"protocol":"htt"})", R"({"status":"403"})",
                         R"({"status":"2xx"})", R"({"status":"unset"})", R"({"pid":43})", R"({"service":"ngin"})",
                         R"({"pod":"a"})", R"({"namespace":"a"})", R"({"trace":"1123456789abcdef0123456789abcdef"})"})
    EXPECT_FALSE(parse(no).matches(sample.observation())) << no;
}

TEST(CallFilter, MatchesByWhatIsKnownOfTheContainer) {
  const Sample sample;
  auto known = std::make_shared<Workload>();
  known->pod_name = "web-1";
  known->pod_namespace = "shop";
  known->owner = {"deployment", "web"};
  const WorkloadRef workload = known;
  const Call& call = sample.call;
  const Observation observation{.call = call,
                                .connection = sample.connection,
                                .process = sample.process,
                                .peer = nullptr,
                                .trace_id = sample.trace,
                                .span_id = "0123456789abcdef",
                                .parent_span_id = "",
                                .service = "web",
                                .workload = workload};
  for (const char* yes : {R"({"pod":"web-1"})", R"({"namespace":"shop"})", R"({"workload":"web"})",
                          R"({"workload":"deployment/web","namespace":"shop","pod":"web-1"})", R"({"service":"web"})"})
    EXPECT_TRUE(parse(yes).matches(observation)) << yes;
  for (const char* no : {R"({"pod":"web"})", R"({"namespace":"sho"})", R"({"workload":"job/web"})",
                         R"({"workload":"web","namespace":"other"})", R"({"workload":"deployment/"})"})
    EXPECT_FALSE(parse(no).matches(observation)) << no;
}

TEST(CallFilter, NeedsAllOfSeveralFieldsToMatch) {
  const Sample sample;
  EXPECT_TRUE(parse(R"({"pid":42,"status":"4xx"})").matches(sample.observation()));
  EXPECT_FALSE(parse(R"({"pid":42,"status":"5xx"})").matches(sample.observation()));
}

TEST(CallFilter, FindsCallsWithoutStatusOnlyByUnset) {
  Sample sample;
  sample.call.status.reset();
  EXPECT_TRUE(parse(R"({"status":"unset"})").matches(sample.observation()));
  EXPECT_TRUE(parse(R"({"status":"5xx,unset"})").matches(sample.observation()));
  EXPECT_FALSE(parse(R"({"status":"5xx"})").matches(sample.observation()));
}

TEST(CallFilter, FindsErrorsOfProtocolsThatHaveNoNumbers) {
  static constexpr Family redis_family{.name = "redis"};
  static constexpr Protocol redis{"redis", &redis_family};
  Sample sample;
  sample.call.protocol = &redis;
  sample.call.status.reset();
  EXPECT_FALSE(parse(R"({"status":"error"})").matches(sample.observation()));
  EXPECT_FALSE(parse(R"({"status":"unset"})").matches(sample.observation())) << "it was answered, just not by number";
  sample.call.error = "WRONGTYPE";
  EXPECT_TRUE(parse(R"({"status":"error"})").matches(sample.observation()));
  EXPECT_TRUE(parse(R"({"status":"2xx,error"})").matches(sample.observation()));
  EXPECT_FALSE(parse(R"({"status":"2xx"})").matches(sample.observation()));
  sample.call.error.clear();
  sample.call.partial = partial_no_response;
  EXPECT_TRUE(parse(R"({"status":"unset"})").matches(sample.observation()));
}

TEST(CallFilter, FindsErrorsOfHttpAsTheirSideSeesThem) {
  Sample sample;  // a server's 404
  EXPECT_FALSE(parse(R"({"status":"error"})").matches(sample.observation()));
  sample.call.kind = Kind::client;
  EXPECT_TRUE(parse(R"({"status":"error"})").matches(sample.observation()));
}

TEST(CallFilter, KnowsCodesOfAnySize) {
  Sample sample;
  sample.call.status = 1146;
  EXPECT_TRUE(parse(R"({"status":"1146"})").matches(sample.observation()));
  sample.call.status = 5;
  EXPECT_TRUE(parse(R"({"status":"5"})").matches(sample.observation()));
  EXPECT_FALSE(parse(R"({"status":"5xx"})").matches(sample.observation()));
}

TEST(CallFilter, SurvivesTheWayThroughJson) {
  const char* all = R"({"namespace":"n","pid":7,"pod":"p","protocol":"http1","service":"s","status":"2xx,unset",)"
                    R"("trace":"0123456789abcdef0123456789abcdef","workload":"w"})";
  EXPECT_EQ(parse(all).to_json(), nlohmann::json::parse(all));
}

TEST(CallFilter, NamesWhatIsWrong) {
  EXPECT_EQ(error_of(R"([])"), "filter: must be an object");
  EXPECT_EQ(error_of(R"({"prot":"x"})"), "filter: unknown key 'prot'");
  EXPECT_EQ(error_of(R"({"pid":"1"})"), "filter: pid must be a positive number");
  EXPECT_EQ(error_of(R"({"pid":-1})"), "filter: pid must be a positive number");
  EXPECT_EQ(error_of(R"({"pid":4294967296})"), "filter: pid must be a positive number");
  EXPECT_EQ(error_of(R"({"service":1})"), "filter: service must be a string");
  EXPECT_EQ(error_of(R"({"trace":"xyz"})"), "trace id 'xyz' is not hexadecimal");
  EXPECT_EQ(error_of(R"({"trace":"ab"})"), "trace id 'ab' is not 32 hexadecimal digits, not all zero");
  for (const char* bad : {"", "2x", "0xx", "200000", "20a", "2xx,", "abc", "-20", "errors"})
    EXPECT_FALSE(StatusFilter::parse(bad)) << bad;
}

}  // namespace
}  // namespace subfloor
