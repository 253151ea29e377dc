// SPDX-License-Identifier: Apache-2.0
#include "protocols/dns/session.h"

#include <gmock/gmock.h>

#include "protocols/dns/testing.h"

namespace subfloor::protocols::dns {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Nanoseconds second = 1'000'000'000;

TEST(Dns, PairsAResponseWithItsQuery) {
  Talk talk(Kind::client);
  talk.asks(query(1, "www.example"));
  EXPECT_EQ(talk.session.active(Kind::client), 1U);
  talk.answers(response(1, "www.example", 1, {address(question_name, 1)}));
  EXPECT_THAT(talk.summaries(), ElementsAre("client A www.example 0 10.0.0.1"));
  const Call& call = talk.told.calls[0];
  EXPECT_EQ(call.end - call.start, 1'000'010U);
  EXPECT_EQ(call.request_end - call.start, 10U);
  EXPECT_EQ(call.first_byte, call.end - 10);
  EXPECT_EQ(call.request_body_bytes, query(1, "www.example").size());
  EXPECT_EQ(call.pid, 7U);
  EXPECT_EQ(talk.session.active(Kind::client), 0U);
}

TEST(Dns, TellsClientAndServerByWhoAsks) {
  Talk server(Kind::server);
  server.asks(query(1, "h"));
  EXPECT_EQ(server.session.active(Kind::server), 1U);
  server.answers(response(1, "h"));
  EXPECT_THAT(server.summaries(), ElementsAre("server A h 0"));
}

TEST(Dns, PairsByIdAndQuestionInAnyOrder) {
  Talk talk(Kind::client);
  talk.asks(query(1, "h", 1));
  talk.asks(query(1, "h", 28));  // as musl: the ids may be alike
  talk.asks(query(2, "h", 1));
  talk.answers(response(2, "h", 1));
  talk.answers(response(1, "H", 28));  // servers may give the name in other letters
  talk.answers(response(1, "h", 1, {address(question_name, 1)}));
  EXPECT_THAT(talk.summaries(), ElementsAre("client A h 0", "client AAAA h 0", "client A h 0 10.0.0.1"));
}

TEST(Dns, CountsAHundredQueriesAtOnce) {
  Talk talk(Kind::client);
  for (unsigned i = 0; i < 100; ++i) talk.asks(query(i, "n" + std::to_string(i)));
  for (unsigned i = 0; i < 100; ++i) talk.answers(response(99 - i, "n" + std::to_string(99 - i)));
  EXPECT_EQ(talk.told.calls.size(), 100U);
  talk.close_after(second);
  EXPECT_EQ(talk.told.calls.size(), 100U);
}

TEST(Dns, SaysWhichCodesAreErrorsForWhom) {
  const std::vector<std::string> client{"", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
  const std::vector<std::string> server{"", "", "SERVFAIL", "", "NOTIMP", ""};
  for (const Kind kind : {Kind::client, Kind::server}) {
    Talk talk(kind);
    for (unsigned rcode = 0; rcode < 6; ++rcode) {
      talk.asks(query(rcode, "h"));
      talk.answers(response(rcode, "h", 1, {}, rcode));
      EXPECT_EQ(talk.told.calls.back().error, (kind == Kind::client ? client : server)[rcode]);
      EXPECT_EQ(talk.told.calls.back().status, static_cast<int>(rcode));
    }
  }
}

TEST(Dns, CountsRetriesOfOneQuery) {
  Talk talk(Kind::client);
  talk.asks(query(1, "h"));
  talk.now += second;
  talk.asks(query(1, "h"));
  talk.now += second;
  talk.asks(query(1, "h"));
  talk.answers(response(1, "h"));
  talk.answers(response(1, "h"));  // of the first
  EXPECT_THAT(talk.summaries(), ElementsAre("client A h 0 2"));
  EXPECT_GT(talk.told.calls[0].duration(), 2 * second);
}

TEST(Dns, TakesAPacketThatWasCapturedTwiceForOne) {
  Talk talk(Kind::client);
  talk.asks(query(1, "h"));
  talk.asks(query(1, "h"));
  talk.answers(response(1, "h"));
  talk.answers(response(1, "h"));
  EXPECT_THAT(talk.summaries(), ElementsAre("client A h 0"));
}

TEST(Dns, GivesUpAQueryAfterFiveSecondsAndIgnoresALateAnswer) {
  Talk talk(Kind::client);
  talk.asks(query(1, "h"));
  talk.tick_after(query_timeout - 1);
  EXPECT_THAT(talk.summaries(), IsEmpty());
  talk.tick_after(second);
  EXPECT_THAT(talk.summaries(), ElementsAre("client A h none !timeout ~no_response"));
  EXPECT_EQ(talk.told.calls[0].duration(), query_timeout);
  EXPECT_EQ(talk.session.active(Kind::client), 0U);
  talk.answers(response(1, "h"));
  talk.close_after(second);
  EXPECT_EQ(talk.told.calls.size(), 1U);
}

TEST(Dns, KnowsTheSameQuestionAskedAgainLaterForAnother) {
  Talk talk(Kind::client);
  talk.asks(query(1, "h"));
  talk.tick_after(query_timeout);
  talk.asks(query(1, "h"));
  talk.answers(response(1, "h"));
  EXPECT_THAT(talk.summaries(), ElementsAre("client A h none !timeout ~no_response", "client A h 0"));
}

TEST(Dns, CallsACloseATimeoutOnlyWhereSomebodyHadWaited) {
  Talk patient(Kind::client), hasty(Kind::client);
  patient.asks(query(1, "h"));
  patient.close_after(2 * second);
  EXPECT_THAT(patient.summaries(), ElementsAre("client A h none !timeout ~no_response"));
  hasty.asks(query(1, "h"));
  hasty.close_after(second / 2);  // another server had answered
  EXPECT_THAT(hasty.summaries(), ElementsAre("client A h none ~no_response"));
}

TEST(Dns, MarksTruncatedResponses) {
  Talk talk(Kind::client);
  talk.asks(query(1, "h"));
  talk.answers(message(1, 0x8380, "h", 1));
  EXPECT_THAT(talk.summaries(), ElementsAre("client A h 0 true"));
}

TEST(Dns, PairsAResponseWithoutQuestionById) {
  Talk talk(Kind::client);
  talk.asks(query(1, "h"));
  talk.answers(be16(1) + be16(0x8001) + std::string(8, '\0'));
  EXPECT_THAT(talk.summaries(), ElementsAre("client A h 1 !FORMERR"));
}

TEST(Dns, IgnoresResponsesThatNobodyAskedFor) {
  Talk talk(Kind::client);
  talk.answers(response(1, "h"));
  talk.asks(query(2, "h"));
  talk.answers(response(3, "h"));
  talk.answers(response(2, "other"));
  EXPECT_THAT(talk.summaries(), IsEmpty());
}

TEST(Dns, JoinedLateTellsOfAnswersWhoseQueryWasNotSeenForASmallWhile) {
  Talk talk(Kind::client, true, true);
  talk.answers(response(1, "h", 1, {address(question_name, 1)}));
  EXPECT_THAT(talk.summaries(), ElementsAre("client A h 0 10.0.0.1 ~joined_late"));
  talk.now += query_timeout;
  talk.answers(response(2, "h"));
  EXPECT_EQ(talk.told.calls.size(), 1U);
}

TEST(Dns, DoesNotCallATimeoutWhatMayHaveBeenLost) {
  Talk talk(Kind::client);
  talk.asks(query(1, "a"));
  talk.asks(query(2, "b"));
  talk.session.on_lost(Direction::inbound, talk.now, talk.told);
  talk.answers(response(2, "b"));
  talk.answers(response(3, "c"));  // its query may have been lost
  talk.tick_after(query_timeout + second);
  EXPECT_THAT(talk.summaries(),
              ElementsAre("client A b 0", "client A c 0 ~lost", "client A a none ~lost ~no_response"));
}

TEST(Dns, HoldsSoManyQueriesAndNoMore) {
  Talk talk(Kind::client);
  for (unsigned i = 0; i < 2 * outstanding_limit; ++i) talk.asks(query(i, "n" + std::to_string(i)));
  EXPECT_EQ(talk.session.active(Kind::client), outstanding_limit);
  EXPECT_EQ(talk.told.calls.size(), outstanding_limit);
  EXPECT_EQ(summary(talk.told.calls[0]), "client A n0 none ~lost ~no_response");
  talk.answers(response(0, "n0"));
  EXPECT_EQ(talk.told.calls.size(), outstanding_limit);
}

TEST(Dns, LeavesOutUpdatesAndNotifications) {
  Talk talk(Kind::client);
  talk.asks(message(1, 0x2800, "zone", 6));
  talk.answers(message(1, 0xa800, "zone", 6));
  talk.close_after(second);
  EXPECT_THAT(talk.summaries(), IsEmpty());
}

TEST(Dns, SurvivesMessagesThatEndAnywhere) {
  const std::string asked = query(1, "www.example");
  const std::string answered = response(1, "www.example", 1, {address(question_name, 1)});
  for (std::size_t cut = 0; cut < answered.size(); ++cut) {
    Talk talk(Kind::client);
    talk.asks(asked);
    talk.answers(answered.substr(0, cut), answered.size() - cut);
    EXPECT_EQ(talk.told.calls.size(), cut < asked.size() ? 0U : 1U) << cut;
  }
}

// Streams.

std::vector<std::string> both_ways(std::size_t piece, const std::string& out, const std::string& in) {
  Talk talk(Kind::client, false);
  for (std::size_t at = 0; at < out.size(); at += piece) talk.asks(std::string_view(out).substr(at, piece));
  for (std::size_t at = 0; at < in.size(); at += piece) talk.answers(std::string_view(in).substr(at, piece));
  talk.close_after(1);
  return talk.summaries();
}

TEST(DnsOverTcp, GivesTheSameCallsHoweverTheBytesAreCut) {
  const std::string out = framed(query(1, "a")) + framed(query(2, "b", 28)) + framed(query(3, "c"));
  const std::string in = framed(response(3, "c", 1, {}, 3)) + framed(response(1, "a", 1, {address(question_name, 1)})) +
                         framed(response(2, "b", 28));
  const auto expected = both_ways(out.size() + in.size(), out, in);
  EXPECT_THAT(expected, ElementsAre("client A c 3 !NXDOMAIN", "client A a 0 10.0.0.1", "client AAAA b 0"));
  for (std::size_t piece = 1; piece < in.size(); ++piece) EXPECT_EQ(both_ways(piece, out, in), expected) << piece;
}

TEST(DnsOverTcp, TimesAMessageFromItsFirstToItsLastByte) {
  Talk talk(Kind::client, false);
  const std::string asked = framed(query(1, "h")), answered = framed(response(1, "h"));
  talk.asks(asked.substr(0, 1));
  const Nanoseconds start = talk.now;
  talk.asks(asked.substr(1));
  const Nanoseconds request_end = talk.now + 10;
  talk.answers(answered.substr(0, 5));
  const Nanoseconds first_byte = talk.now;
  talk.answers(answered.substr(5));
  ASSERT_EQ(talk.told.calls.size(), 1U);
  const Call& call = talk.told.calls[0];
  EXPECT_EQ(call.start, start);
  EXPECT_EQ(call.request_end, request_end);
  EXPECT_EQ(call.first_byte, first_byte);
  EXPECT_EQ(call.end, talk.now + 10);
}

TEST(DnsOverTcp, LeavesOutTheRestOfALongMessage) {
  Talk talk(Kind::client, false);
  std::vector<std::string> many;
  for (int i = 0; i < 1000; ++i) many.push_back(address(question_name, 1));
  const std::string answered = framed(response(1, "h", 1, many));
  talk.asks(framed(query(1, "h")));
  const Next next = talk.answers(answered.substr(0, 5000));
  EXPECT_EQ(next.action, Next::Action::skip);
  EXPECT_EQ(next.bytes, answered.size() - 5000);
  talk.answers({}, next.bytes);
  EXPECT_EQ(talk.told.calls.size(), 1U);
  EXPECT_EQ(talk.told.calls[0].response_body_bytes, answered.size() - 2);
}

TEST(DnsOverTcp, IsNotWhatCannotBeDns) {
  Talk talk(Kind::client, false);
  EXPECT_EQ(talk.asks("GET / HTTP/1.1\r\nHost: h\r\n\r\n" + std::string(20'000, 'x')).action, Next::Action::invalid);
}

TEST(DnsOverTcp, JoinedLateBeginsWithTheNextMessage) {
  Talk talk(Kind::client, false, true);
  talk.asks("the end of a message");
  talk.answers("and of another");
  talk.asks(framed(query(1, "h")));
  talk.answers(framed(response(1, "h")));
  EXPECT_THAT(talk.summaries(), ElementsAre("client A h 0"));
}

TEST(DnsOverTcp, ResynchronisesAfterALoss) {
  Talk talk(Kind::client, false);
  talk.asks(framed(query(1, "a")) + framed(query(2, "b")));
  talk.answers(framed(response(1, "a")).substr(0, 9));
  talk.session.on_lost(Direction::inbound, talk.now, talk.told);
  talk.answers("rest");
  talk.answers(framed(response(2, "b")));
  talk.asks(framed(query(3, "c")));
  talk.answers(framed(response(3, "c")));
  talk.close_after(2 * second);
  EXPECT_THAT(talk.summaries(), ElementsAre("client A b 0", "client A c 0", "client A a none ~lost ~no_response"));
}

}  // namespace
}  // namespace subfloor::protocols::dns
