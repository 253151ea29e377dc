// SPDX-License-Identifier: Apache-2.0
#include "protocols/kafka/recognition.h"

#include <gtest/gtest.h>

#include <string>

#include "protocols/kafka/conversation.h"

namespace subfloor::protocols::kafka {
namespace {

using namespace testing;
using namespace std::string_literals;

Guess guess(const std::string& bytes, bool whole = true) { return recognise({.bytes = bytes, .whole = whole}); }

TEST(KafkaRecognition, KnowsEveryRequestWhoseLayoutIsRead) {
  for (const Example& example : examples) {
    const bool described = !find_api(example.key)->request.empty();
    EXPECT_EQ(guess(ask(example, 1)), described ? Guess::yes : Guess::no) << example.name << example.version;
    EXPECT_EQ(guess(ask(example, 1), false), Guess::yes) << example.name << example.version;
  }
}

TEST(KafkaRecognition, AsksForMoreUntilTheHeaderIsThereAndNeverSaysNoToAPrefix) {
  for (const Example& example : examples) {
    const std::string bytes = ask(example, 1);
    for (std::size_t size = 1; size < bytes.size(); ++size) {
      const Guess found = guess(bytes.substr(0, size));
      EXPECT_NE(found, Guess::no) << example.name << " " << size;
      EXPECT_TRUE(size >= 12 || found == Guess::maybe_with_more) << example.name << " " << size;
    }
  }
}

TEST(KafkaRecognition, KnowsALargeProduceByItsBeginning) {
  const std::string bytes = produce(1, 1, "orders", std::string(100000, 'r')).substr(0, 4096);
  EXPECT_EQ(guess(bytes), Guess::yes);
  EXPECT_EQ(guess(bytes, false), Guess::likely);
}

TEST(KafkaRecognition, KnowsAClientThatIsNewerByItsFirstQuestion) {
  const std::string body = "\7client\0061.2.3\0"s;
  EXPECT_EQ(guess(request(18, 5, 1, body)), Guess::yes);
  EXPECT_EQ(guess(request(18, 5, 1, body), false), Guess::likely);
  EXPECT_EQ(guess(request(18, 20, 1, body)), Guess::no);
  EXPECT_EQ(guess(request(3, 14, 1, body)), Guess::no);
  Feeder f;
  f.say(Side::client, request(18, 5, 1, body));
  f.say(Side::broker, response(18, 5, 1, number(0, 2)));
  f.say(Side::client, heartbeat(2));
  f.say(Side::broker, beaten(2));
  ASSERT_EQ(f.calls().size(), 2u);
  EXPECT_EQ(f.calls()[0].operation, "ApiVersions");
  EXPECT_EQ(f.calls()[0].status, std::nullopt);
  EXPECT_EQ(f.calls()[1].status, 0);
}

TEST(KafkaRecognition, OnlyLooksForRequestsWhereTheyCanBe) {
  const std::string bytes = heartbeat(1);
  const auto from = [&](Kind kind, Direction direction) {
    return recognise({.bytes = bytes, .direction = direction, .kind = kind});
  };
  EXPECT_EQ(from(Kind::server, Direction::inbound), Guess::yes);
  EXPECT_EQ(from(Kind::client, Direction::outbound), Guess::yes);
  EXPECT_EQ(from(Kind::server, Direction::outbound), Guess::no);
  EXPECT_EQ(from(Kind::client, Direction::inbound), Guess::no);
  EXPECT_EQ(recognise({.bytes = bytes, .datagram = true}), Guess::no);
}

TEST(KafkaRecognition, KnowsNoResponseAsARequest) {
  for (const Example& example : examples) {
    for (int correlation = 0; correlation < 300; ++correlation) {
      for (const std::string& bytes : {answer(example, correlation), refuse(example, correlation)}) {
        EXPECT_NE(guess(bytes, false), Guess::yes) << example.name << " " << example.version << " " << correlation;
      }
    }
  }
}

std::string dns_over_tcp(int flags, int additional) {
  const std::string message = number(0x1234, 2) + number(flags, 2) + number(1, 2) + number(0, 4) +
                              number(additional, 2) + "\3www\7example\3com\0\0\1\0\1"s;
  return number(static_cast<std::int64_t>(message.size()), 2) + message;
}

TEST(KafkaRecognition, LeavesOtherProtocolsAlone) {
  const std::string others[]{
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64\x00\x04\x00\x10\x00\x00\x00\x06\x00\x00\x40\x00"s,  // HTTP/2: SETTINGS, and DATA of gRPC below
      "\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00"s,
      "\x00\x00\x0a\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x05\x0a\x03"
      "abc"s,  // DATA of gRPC
      "*1\r\n$4\r\nPING\r\n",
      "\x00\x00\x00\x25\x00\x03\x00\x00user\0postgres\0database\0shop\0\0"s,  // PostgreSQL: startup, SSLRequest, cancel
      "\x00\x00\x00\x08\x04\xd2\x16\x2f"s,
      "\x00\x00\x00\x10\x04\xd2\x16\x2e\x00\x00\x00\x01\x00\x00\x00\x02"s,
      "\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00"s,
      "\x4a\x00\x00\x00\x0a"
      "8.0.30\0"s,  // MySQL: greeting, ping, OK, column count, empty packet
      "\x01\x00\x00\x00\x0e"s,
      "\x07\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00"s,
      "\x01\x00\x00\x01\x05\x1a\x00\x00\x02\x03"
      "def\0\0\0"s,
      "\x00\x00\x00\x03"s + "\x07\x00\x00\x04\x00\x00\x00\x02\x00\x00\x00"s,
      dns_over_tcp(0x0100, 0),
      dns_over_tcp(0x0000, 0),
      dns_over_tcp(0x0000, 1),
      dns_over_tcp(0x8180, 0),
      "\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00\x00\x00\x00\x00"s,  // MongoDB, 256 bytes
      "\x00\x00\x00\x2d\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x75\x30"  // ZooKeeper
      "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"s,
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s,
      "SSH-2.0-OpenSSH_9.2\r\n",
      std::string(100, '\0'),
      std::string(64, '\xff')};
  for (const std::string& bytes : others) {
    for (const bool whole : {true, false}) EXPECT_EQ(guess(bytes, whole), Guess::no) << ::testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace subfloor::protocols::kafka
