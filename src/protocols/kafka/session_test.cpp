// SPDX-License-Identifier: Apache-2.0
#include "protocols/kafka/session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocols/kafka/conversation.h"

namespace subfloor::protocols::kafka {
namespace {

using namespace testing;
using Action = Next::Action;
using Texts = std::vector<std::string>;

// "operation target status" of each call, "-" where there was none.
Texts outcomes(const std::vector<Call>& calls) {
  Texts texts;
  for (const Call& call : calls)
    texts.push_back(call.operation + " " + call.target + " " + (call.status ? std::to_string(*call.status) : "-"));
  return texts;
}

TEST(Kafka, TellsEverythingAboutACallAsBroker) {
  Feeder f;
  const std::string records(20, 'r');
  f.say(Side::client, produce(5, -1, "orders", records, 3));
  EXPECT_EQ(f.session.active(Kind::server), 1u);
  EXPECT_EQ(f.session.active(Kind::client), 0u);
  f.say(Side::broker, produced(5, "orders", 3));
  EXPECT_EQ(f.session.active(Kind::server), 0u);
  ASSERT_EQ(f.calls().size(), 1u);
  const Call call = f.call();
  EXPECT_EQ(call.protocol->name, "kafka");
  EXPECT_EQ(call.protocol->family->name, "kafka");
  EXPECT_EQ(call.kind, Kind::server);
  EXPECT_EQ(call.operation, "Produce");
  EXPECT_EQ(call.target, "orders");
  EXPECT_EQ(call.status, 3);
  EXPECT_EQ(call.error, "UNKNOWN_TOPIC_OR_PARTITION");
  EXPECT_EQ(call.attributes.find("messaging.operation.type"), "send");
  EXPECT_EQ(call.attributes.find("messaging.destination.partition.id"), "3");
  EXPECT_EQ(call.attributes.find("messaging.client.id"), "tester");
  EXPECT_EQ(call.attributes.find("kafka.api.version"), "7");
  EXPECT_EQ(call.attributes.find("kafka.acks"), "-1");
  EXPECT_EQ(call.start, 1100u);        // the broker had the first byte
  EXPECT_EQ(call.request_end, 1100u);
  EXPECT_EQ(call.first_byte, 2000u);   // and began to answer
  EXPECT_EQ(call.end, 2100u);
  EXPECT_EQ(call.pid, 10u);
  EXPECT_EQ(call.tid, 11u);
  EXPECT_EQ(call.request_body_bytes, produce(5, -1, "orders", records, 3).size() - 4);
  EXPECT_EQ(call.response_body_bytes, produced(5, "orders", 3).size() - 4);
  EXPECT_EQ(call.partial, partial_no);
}

TEST(Kafka, MeasuresAClientCallFromItsFirstWriteToItsLastRead) {
  Feeder f(Kind::client);
  f.say(Side::client, heartbeat(1).substr(0, 9));
  f.say(Side::client, heartbeat(1).substr(9));
  f.say(Side::broker, beaten(1).substr(0, 4));
  EXPECT_EQ(f.session.active(Kind::client), 1u);
  f.say(Side::broker, beaten(1).substr(4));
  ASSERT_EQ(f.calls().size(), 1u);
  EXPECT_EQ(f.call().kind, Kind::client);
  EXPECT_EQ(f.call().start, 1000u);
  EXPECT_EQ(f.call().request_end, 2100u);
  EXPECT_EQ(f.call().first_byte, 3100u);
  EXPECT_EQ(f.call().end, 4100u);
}

TEST(Kafka, PairsByCorrelationIdWhateverTheOrder) {
  Feeder f;
  f.say(Side::client, heartbeat(1) + produce(2, 1, "a", "x") + produce(3, 1, "b", "y"));
  EXPECT_EQ(f.session.active(Kind::server), 3u);
  f.say(Side::broker, produced(3, "b", 6) + beaten(1) + produced(2, "a"));
  EXPECT_EQ(outcomes(f.calls()), (Texts{"Produce b 6", "Heartbeat  0", "Produce a 0"}));
  for (const Call& call : f.calls()) EXPECT_EQ(call.partial, partial_no);
}

TEST(Kafka, GivesAProduceThatAsksForNoAnswerWhenItIsSent) {
  Feeder f(Kind::client);
  f.say(Side::client, produce(1, 0, "logs", "line"));
  EXPECT_EQ(f.session.active(Kind::client), 0u);
  ASSERT_EQ(f.calls().size(), 1u);
  EXPECT_EQ(outcomes(f.calls()), Texts{"Produce logs -"});
  EXPECT_EQ(f.call().partial, partial_no);
  EXPECT_EQ(f.call().end, f.call().request_end);
  EXPECT_EQ(f.call().first_byte, 0u);
  EXPECT_EQ(f.call().attributes.find("kafka.acks"), "0");
  f.say(Side::client, produce(2, 0, "logs", "line") + heartbeat(3));
  f.say(Side::broker, beaten(3));
  f.close();
  EXPECT_EQ(outcomes(f.calls()), (Texts{"Produce logs -", "Produce logs -", "Heartbeat  0"}));
}

TEST(Kafka, HasRecordsSkippedAndCountsThem) {
  Feeder f;
  const std::string records(100000, 'r');
  const std::string whole = produce(1, 1, "orders", records);
  const std::string seen = whole.substr(0, 200);
  const Next next = f.say(Side::client, seen);
  EXPECT_EQ(next.action, Action::skip);
  EXPECT_EQ(next.bytes, whole.size() - seen.size());
  f.say(Side::client, {}, whole.size() - seen.size());
  f.say(Side::broker, produced(1, "orders"));
  f.say(Side::client, heartbeat(2));
  f.say(Side::broker, beaten(2));
  EXPECT_EQ(outcomes(f.calls()), (Texts{"Produce orders 0", "Heartbeat  0"}));
  EXPECT_EQ(f.calls()[0].request_body_bytes, whole.size() - 4);
  EXPECT_EQ(f.calls()[0].request_end, 2100u);
  EXPECT_EQ(f.calls()[0].partial, partial_no);
}

// Of each transfer only the beginning is copied.
std::string fetched(std::int32_t correlation, std::size_t records, int second_error) {
  const auto partition = [&](int index, int error) {
    return number(index, 4) + number(error, 2) + number(9, 8) + number(9, 8) + number(-1, 4) +
           number(static_cast<std::int64_t>(records), 4) + std::string(records, 'v');
  };
  return response(fetch_key, 4, correlation,
                  number(0, 4) + number(1, 4) + text16("orders") + number(2, 4) + partition(0, 0) +
                      partition(1, second_error));
}
std::string fetch(std::int32_t correlation) {
  const auto partition = [](int index) { return number(index, 4) + number(0, 8) + number(1 << 20, 4); };
  return request(fetch_key, 4, correlation,
                 number(-1, 4) + number(500, 4) + number(1, 4) + number(1 << 20, 4) + number(0, 1) + number(1, 4) +
                     text16("orders") + number(2, 4) + partition(0) + partition(1));
}

TEST(Kafka, FindsErrorCodesBetweenRecordsThatWereNotCopied) {
  Feeder f(Kind::client);
  f.say(Side::client, fetch(1));
  const std::string bytes = fetched(1, 10000, 1);
  const std::size_t second = bytes.size() - 10000 - 30;
  const Next next = f.say(Side::broker, bytes.substr(0, 100));
  EXPECT_EQ(next.action, Action::skip);
  EXPECT_EQ(next.bytes, second - 100);
  f.say(Side::broker, {}, second - 100);
  f.say(Side::broker, bytes.substr(second, 40), bytes.size() - second - 40);
  ASSERT_EQ(f.calls().size(), 1u);
  EXPECT_EQ(outcomes(f.calls()), Texts{"Fetch orders 1"});
  EXPECT_EQ(f.call().error, "OFFSET_OUT_OF_RANGE");
  EXPECT_EQ(f.call().partial, partial_no);
}

TEST(Kafka, HasNoStatusWhereAnErrorCodeWasNotCopied) {
  Feeder f(Kind::client);
  f.say(Side::client, fetch(1));
  const std::string bytes = fetched(1, 10000, 1);
  f.say(Side::broker, bytes.substr(0, 4096), bytes.size() - 4096);
  f.say(Side::client, heartbeat(2));
  f.say(Side::broker, beaten(2));
  EXPECT_EQ(outcomes(f.calls()), (Texts{"Fetch orders -", "Heartbeat  0"}));
  EXPECT_EQ(f.calls()[0].partial, partial_headers);
  EXPECT_EQ(f.calls()[0].end, 2100u);
  EXPECT_EQ(f.calls()[1].partial, partial_no);
}

TEST(Kafka, TellsHowManyTopicsThereWereWhereThereAreSeveral) {
  Feeder f;
  const std::string body = text16("billing") + number(2, 4) + text16("a") + number(1, 4) + number(0, 4) +  //
                           text16("b") + number(1, 4) + number(0, 4);
  f.say(Side::client, request(9, 0, 1, body));
  f.close();
  ASSERT_EQ(f.calls().size(), 1u);
  EXPECT_EQ(f.call().operation, "OffsetFetch");
  EXPECT_EQ(f.call().target, "");
  EXPECT_EQ(f.call().attributes.find("kafka.topic.count"), "2");
  EXPECT_EQ(f.call().attributes.find("messaging.destination.partition.id"), std::nullopt);
  EXPECT_EQ(f.call().partial, partial_no_response);
}

TEST(Kafka, LeavesThePartitionOutWhereThereAreSeveral) {
  Feeder f;
  f.say(Side::client, fetch(1));
  f.say(Side::broker, fetched(1, 5, 0));
  EXPECT_EQ(outcomes(f.calls()), Texts{"Fetch orders 0"});
  EXPECT_EQ(f.call().attributes.find("messaging.destination.partition.id"), std::nullopt);
}

TEST(Kafka, ResolvesTopicIdsThroughMetadataOfTheConnection) {
  for (const Example& told : {example(3, 12), example(19, 7)}) {
    Feeder f;
    f.say(Side::client, ask(told, 1));
    f.say(Side::broker, answer(told, 1));
    for (const Example& by_id : {example(0, 13), example(1, 13), example(8, 10)}) {
      f.say(Side::client, ask(by_id, 2));
      f.say(Side::broker, answer(by_id, 2));
      EXPECT_EQ(f.calls().back().target, "orders") << by_id.name;
      EXPECT_EQ(f.calls().back().partial, partial_no);
    }
  }
}

TEST(Kafka, TakesTheTopicOfAFetchWithinASessionFromTheResponse) {
  const auto ask = [](std::int32_t correlation, std::int32_t epoch, std::string_view topic) {
    std::string topics = number(0, 4);
    if (!topic.empty())
      topics = number(1, 4) + text16(topic) + number(1, 4) + number(0, 4) + number(7, 8) + number(0, 8) + number(9, 4);
    return request(fetch_key, 7, correlation,
                   number(-1, 4) + number(500, 4) + number(1, 4) + number(1 << 20, 4) + number(0, 1) + number(88, 4) +
                       number(epoch, 4) + topics + number(0, 4));
  };
  const auto answer = [](std::int32_t correlation, std::string_view topic) {
    std::string topics = number(0, 4);
    if (!topic.empty())
      topics = number(1, 4) + text16(topic) + number(1, 4) + number(0, 4) + number(0, 2) + number(9, 8) + number(9, 8) +
               number(0, 8) + number(-1, 4) + number(3, 4) + "abc";
    return response(fetch_key, 7, correlation, number(0, 4) + number(0, 2) + number(88, 4) + topics);
  };
  Feeder f;
  f.say(Side::client, ask(1, 0, "first") + ask(2, 1, "") + ask(3, 2, "changed") + ask(4, 3, ""));
  f.say(Side::broker, answer(1, "first") + answer(2, "second") + answer(3, "third") + answer(4, ""));
  EXPECT_EQ(outcomes(f.calls()), (Texts{"Fetch first 0", "Fetch second 0", "Fetch third 0", "Fetch  0"}));
  for (const Call& call : f.calls()) EXPECT_EQ(call.partial, partial_no);
}

TEST(Kafka, KnowsGroupsFromTransactionsInFindCoordinator) {
  Feeder f;
  f.say(Side::client, request(10, 1, 1, text16("a-transaction") + number(1, 1)));
  f.say(Side::broker, response(10, 1, 1, number(0, 4) + number(0, 2) + number(-1, 2) + number(1, 4) + text16("h") + number(9, 4)));
  ASSERT_EQ(f.calls().size(), 1u);
  EXPECT_EQ(f.call().status, 0);
  EXPECT_EQ(f.call().attributes.find("messaging.consumer.group.name"), std::nullopt);
}

TEST(Kafka, ReadsARefusedApiVersions) {
  Feeder f;
  f.say(Side::client, ask(example(18, 4), 1));
  f.say(Side::broker, response(18, 4, 1, number(35, 2) + number(0, 4)));  // always in the oldest version
  EXPECT_EQ(outcomes(f.calls()), Texts{"ApiVersions  35"});
  EXPECT_EQ(f.call().error, "UNSUPPORTED_VERSION");
}

TEST(Kafka, TellsOfApisAndVersionsToComeWhatIsCertain) {
  Feeder f;
  f.say(Side::client, heartbeat(1));
  f.say(Side::broker, beaten(1));
  f.say(Side::client, framed(number(0, 2) + number(40, 2) + number(2, 4) + text16("c") + "whatever"));
  f.say(Side::broker, framed(number(2, 4) + "something"));
  f.say(Side::client, framed(number(500, 2) + number(0, 2) + number(3, 4) + text16("c") + "whatever"));
  f.say(Side::broker, framed(number(3, 4) + "something"));
  EXPECT_EQ(outcomes(f.calls()), (Texts{"Heartbeat  0", "Produce  -", "  -"}));
  EXPECT_EQ(f.calls()[1].partial, partial_no);
  EXPECT_EQ(f.calls()[2].attributes.find("kafka.api.key"), "500");
}

TEST(Kafka, PassesOverSaslTokensThatHaveNoHeader) {
  Feeder f;
  f.say(Side::client, request(17, 0, 1, text16("PLAIN")));
  f.say(Side::broker, response(17, 0, 1, number(0, 2) + number(1, 4) + text16("PLAIN")));
  f.say(Side::client, framed(std::string("\0user\0secret", 12)));
  f.say(Side::broker, framed(""));
  f.say(Side::client, heartbeat(2));
  f.say(Side::broker, beaten(2));
  EXPECT_EQ(outcomes(f.calls()), (Texts{"SaslHandshake  0", "Heartbeat  0"}));
  for (const Call& call : f.calls()) EXPECT_EQ(to_text(call).find("secret"), std::string::npos);
}

TEST(Kafka, KeepsNothingOfSecretsAndRecords) {
  Feeder f;
  f.say(Side::client, request(36, 0, 1, number(16, 4) + std::string("\0user\0s3cr3t-pw\0", 16)));
  f.say(Side::broker, response(36, 0, 1, number(58, 2) + text16("s3cr3t-pw is wrong") + number(0, 4)));
  f.say(Side::client, produce(2, 1, "t", "key s3cr3t-pw"));
  f.close();
  EXPECT_EQ(outcomes(f.calls()), (Texts{"SaslAuthenticate  58", "Produce t -"}));
  EXPECT_EQ(f.calls()[0].error, "SASL_AUTHENTICATION_FAILED");
  for (const Call& call : f.calls()) EXPECT_EQ(to_text(call).find("s3cr3t"), std::string::npos);
}

TEST(Kafka, MarksWhatTheCloseLeftUnanswered) {
  Feeder f;
  f.say(Side::client, heartbeat(1) + heartbeat(2) + heartbeat(3).substr(0, 12));
  f.say(Side::broker, beaten(1).substr(0, 9));
  f.close();
  ASSERT_EQ(f.calls().size(), 3u);
  EXPECT_EQ(f.calls()[0].partial, partial_cut_short);
  EXPECT_EQ(f.calls()[1].partial, partial_no_response);
  EXPECT_EQ(f.calls()[2].partial, partial_no_response);
  for (const Call& call : f.calls()) EXPECT_EQ(call.status, std::nullopt);
  EXPECT_EQ(f.calls()[1].end, 3000u);
  f.close();
  EXPECT_EQ(f.calls().size(), 3u);
}

TEST(Kafka, GivesUpTheOldestBeyondItsLimitAndItsAnswerHarmsNobody) {
  Feeder f;
  for (int i = 0; i < static_cast<int>(outstanding_limit) + 2; ++i) f.say(Side::client, heartbeat(i));
  EXPECT_EQ(f.session.active(Kind::server), outstanding_limit);
  ASSERT_EQ(f.calls().size(), 2u);
  EXPECT_EQ(f.calls()[0].partial, partial_lost);
  for (int i = 0; i < static_cast<int>(outstanding_limit) + 2; ++i) f.say(Side::broker, beaten(i, i % 2));
  ASSERT_EQ(f.calls().size(), outstanding_limit + 2);
  for (std::size_t i = 2; i < f.calls().size(); ++i) {
    EXPECT_EQ(f.calls()[i].status, static_cast<int>(i % 2));
    EXPECT_EQ(f.calls()[i].partial, partial_no);
  }
}

TEST(Kafka, SaysInvalidWhereTheBytesAreNotKafkas) {
  for (const std::string& bytes : {std::string("GET / HTTP/1.1\r\n\r\n"), framed("xx"), framed(number(999, 2) + "abcdefgh"),
                                   request(12, 99, 1, "abcd")}) {
    Feeder f;
    EXPECT_EQ(f.say(Side::client, bytes).action, Action::invalid);
    EXPECT_TRUE(f.calls().empty());
    Feeder later;
    later.say(Side::client, heartbeat(1));
    later.say(Side::broker, beaten(1));
    if (bytes.front() == 'G') {
      EXPECT_EQ(later.say(Side::client, std::string("\xff\xff\xff\xff", 4)).action, Action::invalid);
      EXPECT_EQ(later.say(Side::client, heartbeat(2)).action, Action::invalid);
    }
    later.close();
    EXPECT_EQ(later.calls().size(), 1u);
  }
}

}  // namespace
}  // namespace subfloor::protocols::kafka
