// SPDX-License-Identifier: Apache-2.0
#include "telemetry/trace_context.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

namespace subfloor {
namespace {

using Sampling = TraceContext::Sampling;
const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string span = "00f067aa0ba902b7";

HeaderList headers(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  HeaderList list;
  for (const auto& [name, value] : fields) list.add(name, value);
  return list;
}

TEST(Traceparent, IsReadWithItsSamplingFlag) {
  const auto context = parse_traceparent("00-" + trace + "-" + span + "-01");
  ASSERT_TRUE(context);
  EXPECT_EQ(context->trace_id(), trace);
  EXPECT_EQ(context->span_id(), span);
  EXPECT_EQ(context->sampling, Sampling::yes);
  EXPECT_EQ(parse_traceparent("00-" + trace + "-" + span + "-fe")->sampling, Sampling::no);
  EXPECT_EQ(parse_traceparent("00-" + trace + "-" + span + "-03")->sampling, Sampling::yes);
}

TEST(Traceparent, OfLaterVersionsMayBeLonger) {
  EXPECT_TRUE(parse_traceparent("cc-" + trace + "-" + span + "-01-what-comes"));
  EXPECT_TRUE(parse_traceparent("cc-" + trace + "-" + span + "-01"));
  EXPECT_FALSE(parse_traceparent("cc-" + trace + "-" + span + "-01.what"));
  EXPECT_FALSE(parse_traceparent("00-" + trace + "-" + span + "-01-what"));
}

TEST(Traceparent, ThatIsInvalidIsRefused) {
  const std::string zeros(32, '0');
  const std::vector<std::string> invalid{
      "",
      "00",
      "ff-" + trace + "-" + span + "-01",
      "0-" + trace + "-" + span + "-01",
      "00-" + zeros + "-" + span + "-01",
      "00-" + trace + "-0000000000000000-01",
      "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + span + "-01",
      "00-" + trace + "-00F067AA0BA902B7-01",
      "0A-" + trace + "-" + span + "-01",
      "00-" + trace + "-" + span + "-0A",
      "00-" + trace + "-" + span + "-0",
      "00-" + trace + "-" + span + "-",
      "00_" + trace + "-" + span + "-01",
      "00-" + trace + "_" + span + "-01",
      "00-" + trace + "-" + span + "_01",
      "00-" + trace.substr(1) + "-" + span + "-01x",
      "00-g" + trace.substr(1) + "-" + span + "-01",
      " 00-" + trace + "-" + span + "-01",
  };
  for (const std::string& value : invalid) EXPECT_FALSE(parse_traceparent(value)) << value;
}

TEST(Tracestate, KeepsToTheGrammar) {
  EXPECT_TRUE(valid_tracestate(""));
  EXPECT_TRUE(valid_tracestate("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"));
  EXPECT_TRUE(valid_tracestate("a=1 , , fw529a3039@dt=FfAB"));
  EXPECT_FALSE(valid_tracestate("Foo=1"));
  EXPECT_FALSE(valid_tracestate("foo"));
  EXPECT_FALSE(valid_tracestate("foo=1=2"));
  EXPECT_FALSE(valid_tracestate("foo=1,foo=2"));
  EXPECT_FALSE(valid_tracestate("foo=\x01"));
  EXPECT_FALSE(valid_tracestate("foo="));
  std::string many;
  for (int i = 0; i < 33; ++i) many += "k" + std::to_string(i) + "=v,";
  EXPECT_FALSE(valid_tracestate(many));
}

TEST(B3, SingleHeaderForms) {
  EXPECT_EQ(parse_b3("0")->sampling, Sampling::no);
  EXPECT_EQ(parse_b3("1")->sampling, Sampling::yes);
  EXPECT_EQ(parse_b3("d")->sampling, Sampling::debug);
  EXPECT_FALSE(parse_b3("d")->has_ids());
  const auto full = parse_b3(trace + "-" + span + "-1-05e3ac9a4f6e3b90");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->trace_id(), trace);
  EXPECT_EQ(full->span_id(), span);
  EXPECT_EQ(full->sampling, Sampling::yes);
  EXPECT_EQ(parse_b3(trace + "-" + span)->sampling, Sampling::undecided);
  EXPECT_EQ(parse_b3(trace + "-" + span + "-d")->sampling, Sampling::debug);
}

TEST(B3, ShortTraceIdsArePaddedInFront) {
  EXPECT_EQ(parse_b3("a3ce929d0e0e4736-" + span)->trace_id(), "0000000000000000a3ce929d0e0e4736");
}

TEST(B3, ThatIsInvalidIsRefused) {
  const std::string both = trace + "-" + span;
  const std::vector<std::string> invalid{"x",
                                         "",
                                         trace,
                                         trace + "-",
                                         both + "-2",
                                         both + "-",
                                         both + "-1-",
                                         both + "-1-05e3ac9a4f6e3b90-x",
                                         std::string(32, '0') + "-" + span,
                                         both + "-1-0000000000000000"};
  for (const std::string& value : invalid) {
    EXPECT_FALSE(parse_b3(value)) << value;
  }
}

TEST(TraceContextHeaders, TraceparentComesBeforeB3AndBringsItsState) {
  const auto context = extract_trace_context(headers({{"b3", "1111111111111111-2222222222222222"},
                                                      {"TraceParent", "00-" + trace + "-" + span + "-01"},
                                                      {"tracestate", "a=1"},
                                                      {"Tracestate", " b=2 "}}));
  ASSERT_TRUE(context);
  EXPECT_EQ(context->trace_id(), trace);
  EXPECT_EQ(context->state, "a=1,b=2");
}

TEST(TraceContextHeaders, AnInvalidStateIsDroppedAndTheParentKept) {
  const auto context =
      extract_trace_context(headers({{"traceparent", "00-" + trace + "-" + span + "-01"}, {"tracestate", "A=1"}}));
  ASSERT_TRUE(context);
  EXPECT_EQ(context->state, "");
}

TEST(TraceContextHeaders, TwoTraceparentsAreNone) {
  const std::string value = "00-" + trace + "-" + span + "-01";
  EXPECT_FALSE(extract_trace_context(headers({{"traceparent", value}, {"traceparent", value}})));
}

TEST(TraceContextHeaders, B3InSeveralHeaders) {
  const auto context = extract_trace_context(
      headers({{"X-B3-TraceId", "a3ce929d0e0e4736"}, {"x-b3-spanid", span}, {"X-B3-Sampled", "1"}}));
  ASSERT_TRUE(context);
  EXPECT_EQ(context->trace_id(), "0000000000000000a3ce929d0e0e4736");
  EXPECT_EQ(context->sampling, Sampling::yes);
  const auto debug =
      extract_trace_context(headers({{"X-B3-TraceId", trace}, {"X-B3-SpanId", span}, {"X-B3-Flags", "1"}}));
  EXPECT_EQ(debug->sampling, Sampling::debug);
  const auto decision = extract_trace_context(headers({{"X-B3-Sampled", "0"}}));
  ASSERT_TRUE(decision);
  EXPECT_FALSE(decision->has_ids());
  EXPECT_EQ(decision->trace_id(), "");
}

TEST(TraceContextHeaders, FallsBackToB3WhereTraceparentIsInvalid) {
  const auto context = extract_trace_context(headers({{"traceparent", "00-broken"}, {"b3", trace + "-" + span}}));
  ASSERT_TRUE(context);
  EXPECT_EQ(context->span_id(), span);
}

TEST(TraceContextHeaders, NothingInOrdinaryHeaders) {
  EXPECT_FALSE(extract_trace_context(headers({{"Host", "x"}, {"", ""}, {"X-B3-", "1"}, {"X-B3-TraceId", trace}})));
}

TEST(Ids, AreHexOfTheRightLengthAndDiffer) {
  IdGenerator one, two;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    for (IdGenerator* ids : {&one, &two}) {
      const auto trace_id = ids->trace_id();
      const auto span_id = ids->span_id();
      const std::string text(trace_id.begin(), trace_id.end()), short_text(span_id.begin(), span_id.end());
      ASSERT_TRUE(parse_traceparent(fmt::format("00-{}-{}-01", text, short_text)));
      EXPECT_TRUE(seen.insert(text).second);
      EXPECT_TRUE(seen.insert(short_text).second);
    }
  }
}

TEST(Ids, AreRepeatableFromASeed) {
  IdGenerator one(7), two(7), three(8);
  EXPECT_EQ(one.trace_id(), two.trace_id());
  EXPECT_NE(one.trace_id(), three.trace_id());
}

}  // namespace
}  // namespace subfloor
