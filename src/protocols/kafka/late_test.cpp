// SPDX-License-Identifier: Apache-2.0
// Connections that are older than the agent, and bytes that were lost.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "protocols/kafka/conversation.h"

namespace subfloor::protocols::kafka {
namespace {

using namespace testing;
using Texts = std::vector<std::string>;

constexpr Options late{.joined_late = true};

Texts outcomes(const std::vector<Call>& calls) {
  Texts texts;
  for (const Call& call : calls)
    texts.push_back(call.operation + " " + call.target + " " + (call.status ? std::to_string(*call.status) : "-") +
                    " " + std::to_string(call.partial));
  return texts;
}

const std::string joined = std::to_string(partial_joined_late), lost = std::to_string(partial_lost);

TEST(KafkaLate, FindsTheNextRequestAndItsResponse) {
  for (const Options& options : {late, Options{.joined_late = true, .kind = Kind::server}}) {
    Feeder f(Kind::server, options);
    f.say(Side::broker, beaten(41));  // of a request nobody saw
    f.say(Side::client, produce(42, 1, "orders", "x"));
    EXPECT_TRUE(f.calls().empty());
    f.say(Side::broker, produced(42, "orders", 6));
    EXPECT_EQ(outcomes(f.calls()), Texts{"Produce orders 6 0"});
    EXPECT_EQ(f.calls()[0].kind, Kind::server);
  }
}

TEST(KafkaLate, FindsMessagesThatAreReadInTwoParts) {
  Feeder f(Kind::client, late);
  const auto in_two = [&](Side side, const std::string& bytes) {
    f.say(side, std::string_view(bytes).substr(0, 4));
    f.say(side, std::string_view(bytes).substr(4));
  };
  f.say(Side::broker, std::string_view(beaten(1)).substr(4));
  in_two(Side::client, produce(2, 1, "orders", "x"));
  in_two(Side::broker, produced(2, "orders"));
  in_two(Side::client, heartbeat(3));
  in_two(Side::broker, beaten(3));
  EXPECT_EQ(outcomes(f.calls()), (Texts{"Produce orders 0 0", "Heartbeat  0 0"}));
  EXPECT_EQ(f.calls()[0].kind, Kind::client);
}

// Wherever in a conversation it begins, and however the bytes are cut, what is told was told by a whole view too.
TEST(KafkaLate, NeverTellsWhatWasNot) {
  std::vector<std::pair<Side, std::string>> turns;
  for (int i = 0; i < 4; ++i) {
    const std::string topic = "topic" + std::to_string(i);
    turns.emplace_back(Side::client, produce(2 * i, 1, topic, std::string(300, '\0')) + heartbeat(2 * i + 1));
    turns.emplace_back(Side::broker, produced(2 * i, topic, i) + beaten(2 * i + 1, 20 + i));
  }
  Feeder whole;
  for (const auto& [side, bytes] : turns) whole.say(side, bytes);
  const Texts all = outcomes(whole.calls());
  std::size_t total = 0;
  for (const auto& [side, bytes] : turns) total += bytes.size();
  for (const std::size_t piece : {5u, 64u, 1000u}) {
    for (std::size_t begin = 0; begin < total; ++begin) {
      Feeder f(Kind::server, late);
      std::size_t passed = 0;
      for (const auto& [side, bytes] : turns) {
        const std::size_t from = std::min(bytes.size(), begin > passed ? begin - passed : 0);
        for (std::size_t at = from; at < bytes.size(); at += piece) f.say(side, std::string_view(bytes).substr(at, piece));
        passed += bytes.size();
      }
      f.close();
      for (std::string& text : f.calls().empty() ? Texts{} : outcomes(f.calls())) {
        const bool unanswered = text.find(" - ") != std::string::npos;
        EXPECT_TRUE(unanswered || std::find(all.begin(), all.end(), text) != all.end()) << begin << ": " << text;
      }
    }
  }
}

TEST(KafkaLate, TakesNothingFromRecordsThatLookLikeARequest) {
  const std::string bait = produce(77, 1, "bait", "worm");
  Feeder f(Kind::server, late);
  f.say(Side::client, std::string(500, 'x'));  // the middle of a large message
  f.say(Side::client, bait);                   // and more of it, which begins a segment
  f.say(Side::client, std::string(500, 'x'));
  f.say(Side::broker, produced(12, "orders"));
  f.say(Side::client, heartbeat(13));
  f.say(Side::broker, beaten(13));
  f.close();
  EXPECT_EQ(outcomes(f.calls()), Texts{"Heartbeat  0 0"});
}

TEST(KafkaLate, TellsOfUnansweredProducesOnceTheyAreBorneOut) {
  Feeder f(Kind::client, late);
  f.say(Side::client, produce(5, 0, "logs", "a"));
  EXPECT_TRUE(f.calls().empty());
  f.say(Side::client, produce(6, 0, "logs", "b"));
  f.say(Side::client, produce(7, 0, "logs", "c"));
  EXPECT_EQ(outcomes(f.calls()), (Texts{"Produce logs - 0", "Produce logs - 0", "Produce logs - 0"}));
}

TEST(KafkaLate, ResolvesNoTopicIdThatItWasNotTold) {
  Feeder f(Kind::server, late);
  f.say(Side::client, ask(example(1, 17), 9));
  f.say(Side::broker, answer(example(1, 17), 9));
  EXPECT_EQ(outcomes(f.calls()), Texts{"Fetch  0 " + std::to_string(partial_context)});
}

TEST(KafkaLate, SkipsALargeMessageItFound) {
  Feeder f(Kind::server, late);
  const std::string bytes = produce(4, 1, "orders", std::string(100000, 'r'));
  const Next next = f.say(Side::client, std::string_view(bytes).substr(0, 4096), 60000);
  EXPECT_EQ(next.action, Next::Action::skip);
  f.say(Side::client, {}, bytes.size() - 64096);
  f.say(Side::broker, produced(4, "orders"));
  EXPECT_EQ(outcomes(f.calls()), Texts{"Produce orders 0 0"});
}

TEST(KafkaLoss, OfResponsesLeavesThemWithoutStatus) {
  Feeder f(Kind::client);
  f.say(Side::client, heartbeat(1) + heartbeat(2) + produce(3, 1, "orders", "x"));
  f.lose(Side::broker);
  f.say(Side::broker, produced(3, "orders", 7));
  EXPECT_EQ(outcomes(f.calls()), (Texts{"Heartbeat  - " + lost, "Heartbeat  - " + lost, "Produce orders 7 0"}));
}

TEST(KafkaLoss, OfRequestsLeavesTheirResponsesAlone) {
  Feeder f(Kind::client);
  f.say(Side::client, heartbeat(1));
  f.lose(Side::client);  // requests 2 and 3
  f.say(Side::broker, beaten(1) + beaten(2) + beaten(3));
  f.say(Side::client, produce(4, 1, "orders", "x"));
  f.say(Side::broker, produced(4, "orders"));
  EXPECT_EQ(outcomes(f.calls()), (Texts{"Heartbeat  0 0", "Produce orders 0 0"}));
}

TEST(KafkaLoss, WithinAMessageKeepsWhatIsCertain) {
  Feeder f;
  const std::string bytes = produce(1, 1, "orders", std::string(1000, 'r'));
  f.say(Side::client, std::string_view(bytes).substr(0, 100));
  f.lose(Side::client);
  f.say(Side::broker, produced(1, "orders"));
  f.say(Side::client, heartbeat(2));
  f.say(Side::broker, beaten(2).substr(0, 7));
  f.lose(Side::broker);
  f.say(Side::client, heartbeat(3));
  f.say(Side::broker, beaten(3));
  f.close();
  EXPECT_EQ(outcomes(f.calls()),
            (Texts{"Produce orders 0 " + lost, "Heartbeat  - " + lost, "Heartbeat  0 0"}));
}

TEST(KafkaLoss, OfAKnownNumberOfBytesThatHoldMessagesLosesTheseOnly) {
  Feeder f;
  f.say(Side::client, heartbeat(1) + heartbeat(2));
  f.say(Side::broker, {}, beaten(1).size());  // exactly one, but nobody knows
  f.say(Side::broker, beaten(2));
  EXPECT_EQ(outcomes(f.calls()), (Texts{"Heartbeat  - " + lost, "Heartbeat  0 0"}));
}

}  // namespace
}  // namespace subfloor::protocols::kafka
