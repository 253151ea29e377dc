// SPDX-License-Identifier: Apache-2.0
#include "identity/names/names.h"

#include <gtest/gtest.h>

namespace subfloor::identity {
namespace {

constexpr Nanoseconds second = 1'000'000'000;
constexpr Asker app{100, 1}, other{200, 2}, nobody{};

Address address(std::uint8_t last, std::uint16_t port = 80) {
  return {.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last}, .port = port};
}

Resolution resolution(const std::string& name, std::uint8_t last, std::uint32_t ttl = 60) {
  return {.name = name, .ip = address(last).ip, .ttl = ttl};
}

Connection connection(std::uint8_t last, Nanoseconds opened, SocketKey key = 1, std::uint32_t net = 7) {
  Connection made;
  made.key = key;
  made.remote = address(last);
  made.net_namespace = net;
  made.opened = opened;
  made.joined_late = opened == 0;
  return made;
}

class NamesOf : public ::testing::Test {
 protected:
  std::string name(const Connection& connection, const Asker& who = app, const Asker& parent = nobody,
                   Nanoseconds now = 5000 * second) {
    return std::string(names.of(connection, who, parent, now));
  }
  Names names;
};

TEST_F(NamesOf, GivesTheNameThatTheProcessLookedUp) {
  names.learn(resolution("db.example", 1), app, 7, 10 * second);
  EXPECT_EQ(name(connection(1, 11 * second)), "db.example");
  EXPECT_EQ(name(connection(2, 11 * second, 2)), "");
}

TEST_F(NamesOf, SaysNothingOfWhatWasLookedUpLater) {
  names.learn(resolution("db.example", 1), app, 7, 10 * second);
  EXPECT_EQ(name(connection(1, 9 * second)), "");
}

TEST_F(NamesOf, TellsNetworkNamespacesApart) {
  names.learn(resolution("db.example", 1), app, 7, 10 * second);
  EXPECT_EQ(name(connection(1, 11 * second, 1, 8)), "");
}

TEST_F(NamesOf, KeepsOwnNamesBeyondTheirTtlAndThoseOfOthersForAMinute) {
  names.learn(resolution("db.example", 1, 10), app, 7, 10 * second);
  EXPECT_EQ(name(connection(1, (20 + 3600) * second, 1)), "db.example");
  EXPECT_EQ(name(connection(1, (21 + 3600) * second, 2)), "");
  EXPECT_EQ(name(connection(1, (20 + 60) * second, 3), other), "db.example");
  EXPECT_EQ(name(connection(1, (21 + 60) * second, 4), other), "");
}

TEST_F(NamesOf, TakesTheNameAskedForJustBeforeTheConnection) {
  names.learn(resolution("a.example", 1), app, 7, 10 * second);
  names.learn(resolution("b.example", 1), app, 7, 20 * second);
  EXPECT_EQ(name(connection(1, 11 * second, 1)), "a.example");  // b was not asked for yet
  EXPECT_EQ(name(connection(1, 20 * second + second / 2, 2)), "b.example");
}

TEST_F(NamesOf, SaysNothingWhereTheProcessAskedForTwoNames) {
  names.learn(resolution("a.example", 1), app, 7, 10 * second);
  names.learn(resolution("b.example", 1), app, 7, 10 * second + second / 2);
  EXPECT_EQ(name(connection(1, 11 * second, 1)), "");
  EXPECT_EQ(name(connection(1, 30 * second, 2)), "");
  names.learn(resolution("a.example", 1), app, 7, 40 * second);  // the older one again
  EXPECT_EQ(name(connection(1, 40 * second, 3)), "a.example");
}

TEST_F(NamesOf, TakesANameFromOthersOnlyWhereItIsTheOnlyOne) {
  names.learn(resolution("a.example", 1), other, 7, 10 * second);
  EXPECT_EQ(name(connection(1, 11 * second, 1)), "a.example");
  names.learn(resolution("b.example", 1), Asker{300, 3}, 7, 11 * second);
  EXPECT_EQ(name(connection(1, 12 * second, 2)), "");
  names.learn(resolution("own.example", 1), app, 7, 12 * second);
  EXPECT_EQ(name(connection(1, 13 * second, 3)), "own.example");
}

TEST_F(NamesOf, CountsTheParentsLookUpAsTheProcesssOwn) {
  names.learn(resolution("a.example", 1), other, 7, 10 * second);
  names.learn(resolution("b.example", 1), Asker{300, 3}, 7, 10 * second);
  EXPECT_EQ(name(connection(1, 11 * second, 1), app, other), "a.example");
}

TEST_F(NamesOf, KnowsAPidThatIsUsedAgainForAnother) {
  names.learn(resolution("a.example", 1), app, 7, 10 * second);
  names.learn(resolution("b.example", 1), Asker{300, 3}, 7, 10 * second);
  EXPECT_EQ(name(connection(1, 11 * second, 1), Asker{app.pid, app.start_time + 1}), "");
}

TEST_F(NamesOf, RemembersTheNameOfAConnectionAsLongAsItIsOpen) {
  names.learn(resolution("a.example", 1), app, 7, 10 * second);
  EXPECT_EQ(name(connection(1, 11 * second, 1)), "a.example");
  names.learn(resolution("b.example", 1), app, 7, 10 * second);
  EXPECT_EQ(name(connection(1, 11 * second, 1)), "a.example");
  names.forget(1);
  EXPECT_EQ(name(connection(1, 11 * second, 1)), "");
}

TEST_F(NamesOf, TellsThePeersOfOneDatagramSocketApart) {
  names.learn(resolution("a.example", 1), app, 7, 10 * second);
  names.learn(resolution("b.example", 2), app, 7, 10 * second);
  Connection first = connection(1, 11 * second), second_peer = connection(2, 11 * second);
  first.transport = second_peer.transport = Transport::udp;
  EXPECT_EQ(name(first), "a.example");
  EXPECT_EQ(name(second_peer), "b.example");
}

TEST_F(NamesOf, NamesAConnectionOlderThanTheAgentOnlyWhereThereIsOneName) {
  names.learn(resolution("a.example", 1), app, 7, 4999 * second);
  EXPECT_EQ(name(connection(1, 0)), "a.example");
  names.learn(resolution("b.example", 1), app, 7, 4990 * second);
  EXPECT_EQ(name(connection(1, 0)), "");
}

TEST(Names, AreBounded) {
  Names names({.names = 100, .per_address = 4, .connections = 10});
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    names.learn(resolution("n" + std::to_string(i % 300), static_cast<std::uint8_t>(i % 50)), {i % 7, 1}, 7, i + 1);
    EXPECT_LE(names.size(), 100U);
    (void)names.of(connection(static_cast<std::uint8_t>(i % 50), i + 1, i + 1), {i % 7, 1}, {}, i + 1);
  }
  EXPECT_GT(names.size(), 50U);
}

}  // namespace
}  // namespace subfloor::identity
