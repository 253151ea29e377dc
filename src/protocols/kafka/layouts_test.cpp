// SPDX-License-Identifier: Apache-2.0
// Every version of every layout that is read, byte for byte.
#include <gtest/gtest.h>

#include <string>

#include "protocols/kafka/conversation.h"

namespace subfloor::protocols::kafka {
namespace {

using namespace testing;

constexpr std::string_view example_id = "EBESExQVFhcYGRobHB0eHw";

std::string name_of(const Example& example) {
  return std::string(example.name) + " " + std::to_string(example.version);
}

void expect_subject(const Example& example, const Call& call) {
  const std::string_view about = example.about;
  EXPECT_EQ(call.operation, example.name);
  EXPECT_EQ(call.target, about[0] == 'n' ? "orders" : "");
  EXPECT_EQ((call.partial & partial_context) != 0, about[0] == 'i');
  EXPECT_EQ(call.partial & ~partial_context, 0);
  if (about[0] == 'i') {
    EXPECT_EQ(call.attributes.find("kafka.topic.id"), example_id);
  }
  const auto partition = call.attributes.find("messaging.destination.partition.id");
  EXPECT_EQ(partition, about[1] == 'p' ? std::optional<std::string_view>("3") : std::nullopt);
  const auto group = call.attributes.find("messaging.consumer.group.name");
  EXPECT_EQ(group, about[2] == 'g' ? std::optional<std::string_view>("billing") : std::nullopt);
  EXPECT_EQ(call.attributes.find("messaging.client.id"), "tester");
}

TEST(KafkaLayouts, AreReadInEveryVersion) {
  for (const Example& example : examples) {
    SCOPED_TRACE(name_of(example));
    Feeder f;
    f.say(Side::client, ask(example, 7));
    f.say(Side::broker, answer(example, 7));
    ASSERT_EQ(f.calls().size(), 1u);
    expect_subject(example, f.call());
    EXPECT_EQ(f.call().status, 0);
    EXPECT_EQ(f.call().error, "");
  }
}

TEST(KafkaLayouts, HaveTheirErrorCodeFoundInEveryVersion) {
  for (const Example& example : examples) {
    SCOPED_TRACE(name_of(example));
    Feeder f;
    f.say(Side::client, ask(example, 7));
    f.say(Side::broker, refuse(example, 7));
    ASSERT_EQ(f.calls().size(), 1u);
    expect_subject(example, f.call());
    EXPECT_EQ(f.call().status, 6);
    EXPECT_EQ(f.call().error, "NOT_LEADER_OR_FOLLOWER");
  }
}

TEST(KafkaLayouts, AreReadTheSameWhereverTheBytesAreCut) {
  for (const Example& example : examples) {
    SCOPED_TRACE(name_of(example));
    for (const std::size_t piece : {1u, 2u, 3u, 7u}) {
      Feeder whole, cut;
      whole.now = cut.now = 1000;
      for (const Side side : {Side::client, Side::broker}) {
        const std::string bytes = side == Side::client ? ask(example, 7) : refuse(example, 7);
        whole.give(side, bytes);
        for (std::size_t at = 0; at < bytes.size(); at += piece) cut.give(side, std::string_view(bytes).substr(at, piece));
        whole.now = cut.now = 2000;
      }
      EXPECT_EQ(to_text(whole.calls()), to_text(cut.calls()));
    }
  }
}

// Joined late: only a message whose layout is exactly as long as itself is taken for one.
TEST(KafkaLayouts, AreExactlyAsLongAsTheMessage) {
  for (const Example& example : examples) {
    SCOPED_TRACE(name_of(example));
    Feeder f(Kind::server, {.joined_late = true});
    f.say(Side::client, ask(example, 7));
    f.say(Side::broker, answer(example, 7));
    EXPECT_EQ(f.calls().size(), 1u);

    const std::string body = from_hex(example.request);
    for (const std::string& other : {body + '\0', body.substr(0, body.size() - 1)}) {
      if (other.empty() && body.size() < 2) continue;
      Feeder odd(Kind::server, {.joined_late = true});
      odd.say(Side::client, request(example.key, example.version, 7, other));
      odd.say(Side::broker, answer(example, 7));
      EXPECT_TRUE(odd.calls().empty());
    }
  }
}

// What a bare list or an array holds takes a byte at least, so that a count is a bound for the work.
TEST(KafkaLayouts, HaveNoElementsWithoutBytes) {
  for (int key = 0; key < keys_end; ++key) {
    const Api& api = *find_api(key);
    for (int version = 0; version <= api.last_version; ++version) {
      for (const Schema schema : {api.request, api.response}) {
        for (std::size_t i = 0; i < schema.size(); ++i) {
          const bool opens = schema[i].type == Type::array || schema[i].type == Type::list;
          if (!opens || !schema[i].in(version)) continue;
          std::size_t first = i + 1;
          while (!schema[first].in(version)) ++first;
          EXPECT_NE(schema[first].type, Type::end) << api.name << " " << version << " field " << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace subfloor::protocols::kafka
