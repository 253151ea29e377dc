// SPDX-License-Identifier: Apache-2.0
#include "protocols/redis/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocols/redis/conversation.h"

namespace subfloor::protocols::redis {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using Texts = std::vector<std::string>;

TEST(Redis, PairsACommandWithItsReply) {
  const auto calls = replay({command("GET key"), server("$5\r\nvalue\r\n")});
  ASSERT_EQ(calls.size(), 1U);
  const Call& call = calls[0];
  EXPECT_EQ(call.operation, "GET");
  EXPECT_EQ(call.kind, Kind::server);
  EXPECT_EQ(call.error, "");
  EXPECT_EQ(call.partial, partial_no);
  EXPECT_EQ(call.start, 1100U);
  EXPECT_EQ(call.request_end, 1100U);
  EXPECT_EQ(call.first_byte, 2000U);
  EXPECT_EQ(call.end, 2100U);
  EXPECT_EQ(call.request_body_bytes, array("GET key").size());
  EXPECT_EQ(call.response_body_bytes, 11U);
  EXPECT_EQ(call.pid, 10U);
  EXPECT_EQ(call.attributes.find("db.namespace"), "0");
}

TEST(Redis, AClientsCallBeginsWhenItBeganToWrite) {
  const auto calls = replay({command("GET key"), server("$-1\r\n")}, Kind::client);
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].kind, Kind::client);
  EXPECT_EQ(calls[0].start, 1000U);
  EXPECT_EQ(calls[0].first_byte, 2100U);
}

TEST(Redis, PairsPipelinedRepliesInOrder) {
  const auto calls = replay({client(array("SET a 1") + array("INCR b") + array("LPUSH a x") + array("GET a")),
                             server("+OK\r\n:1\r\n-WRONGTYPE Operation against a key\r\n$1\r\n1\r\n")});
  EXPECT_THAT(outcomes(calls), ElementsAre("SET", "INCR", "LPUSH!WRONGTYPE", "GET"));
}

TEST(Redis, KnowsCommandsInAnyCaseAndTheirSubcommands) {
  const auto calls = replay({command("get a"), server("$-1\r\n"), command("config get maxmemory"), server("*0\r\n"),
                             command("Client NoSuch"), server("-ERR unknown subcommand\r\n")});
  EXPECT_THAT(outcomes(calls), ElementsAre("GET", "CONFIG GET", "CLIENT!ERR"));
}

TEST(Redis, AWordThatIsNoCommandIsNotTold) {
  const auto calls =
      replay({command("PING"), server("+PONG\r\n"), command("hunter2 x"), server("-ERR unknown command 'hunter2'\r\n"),
              client("s3cret\r\n"), server("-ERR unknown command\r\n")});
  EXPECT_THAT(outcomes(calls), ElementsAre("PING", "_OTHER!ERR", "_OTHER!ERR"));
}

TEST(Redis, ReadsInlineCommands) {
  const auto calls =
      replay({client("PING\r\n"), server("+PONG\r\n"), client("\r\n"), client("set a b\n"), server("+OK\r\n")});
  EXPECT_THAT(outcomes(calls), ElementsAre("PING", "SET"));
}

TEST(Redis, ReadsEveryTypeOfReply) {
  const Texts replies{"+OK\r\n",
                      "-ERR no\r\n",
                      ":-12\r\n",
                      "$-1\r\n",
                      "$0\r\n\r\n",
                      "*-1\r\n",
                      "*0\r\n",
                      "*2\r\n*1\r\n:1\r\n*0\r\n",
                      "_\r\n",
                      ",3.25\r\n",
                      ",inf\r\n",
                      "#t\r\n",
                      "!10\r\nERR broken\r\n",
                      "=7\r\ntxt:abc\r\n",
                      "(349289034890234890234890\r\n",
                      "%2\r\n+a\r\n:1\r\n+b\r\n*2\r\n:1\r\n_\r\n",
                      "~2\r\n+a\r\n+b\r\n",
                      "|1\r\n+ttl\r\n:5\r\n$1\r\nx\r\n",
                      "|1\r\n+a\r\n-b\r\n*2\r\n|1\r\n+c\r\n%1\r\n+d\r\n+e\r\n:1\r\n:2\r\n",
                      "$?\r\n;4\r\nHell\r\n;1\r\no\r\n;0\r\n",
                      "*?\r\n:1\r\n*2\r\n:2\r\n$?\r\n;0\r\n*?\r\n.\r\n.\r\n",
                      "%?\r\n+a\r\n:1\r\n.\r\n"};
  Conversation conversation;
  for (const std::string& reply : replies) {
    conversation.push_back(command("ECHO x"));
    conversation.push_back(server(reply));
  }
  const auto calls = replay(conversation);
  ASSERT_EQ(calls.size(), replies.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    EXPECT_EQ(calls[i].partial, 0) << replies[i];
    EXPECT_EQ(calls[i].response_body_bytes, replies[i].size()) << replies[i];
    EXPECT_EQ(calls[i].error, i == 1 || i == 12 ? "ERR" : "") << replies[i];
  }
}

TEST(Redis, QueuedRepliesAreThoseOfTheQueuedCommands) {
  const auto calls =
      replay({client(array("MULTI") + array("SET a 1") + array("NOSUCH") + array("GET a") + array("EXEC")),
              server("+OK\r\n+QUEUED\r\n-ERR unknown command\r\n+QUEUED\r\n-EXECABORT Transaction discarded\r\n")});
  EXPECT_THAT(outcomes(calls), ElementsAre("MULTI", "SET", "_OTHER!ERR", "GET", "EXEC!EXECABORT"));
}

TEST(Redis, AnErrorInsideOfExecIsNoneOfExec) {
  const auto calls = replay({client(array("MULTI") + array("LPUSH a 1") + array("EXEC")),
                             server("+OK\r\n+QUEUED\r\n*1\r\n-WRONGTYPE Operation\r\n")});
  EXPECT_THAT(outcomes(calls), ElementsAre("MULTI", "LPUSH", "EXEC"));
}

TEST(Redis, MessagesToSubscribersAreNoReplies) {
  const std::string message = "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nhello\r\n";
  const auto calls =
      replay({command("SUBSCRIBE a b"), server("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"), server(message),
              server("*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n"), server(message), command("PING"),
              server(message + "*2\r\n$4\r\npong\r\n$0\r\n\r\n"), command("UNSUBSCRIBE"),
              server("*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n"),
              command("GET a"), server("$-1\r\n")});
  EXPECT_THAT(outcomes(calls), ElementsAre("SUBSCRIBE", "PING", "UNSUBSCRIBE", "GET"));
  EXPECT_EQ(calls[0].end, 4100U) << "with the last channel's confirmation";
}

TEST(Redis, PushesOfResp3AreNoReplies) {
  const std::string push = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n";
  const auto calls = replay({command("HELLO 3"), server("%1\r\n$5\r\nproto\r\n:3\r\n"), server(push), command("GET a"),
                             server(push + "$1\r\nx\r\n"), command("SUBSCRIBE c"),
                             server(">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"), command("GET a"),
                             server(">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n$1\r\nx\r\n")});
  EXPECT_THAT(outcomes(calls), ElementsAre("HELLO", "GET", "SUBSCRIBE", "GET"));
}

TEST(Redis, ASubscriptionThatIsRefusedIsOneCall) {
  const auto calls = replay({command("SUBSCRIBE a b"), server("-NOPERM no\r\n"), command("PING"), server("+PONG\r\n")});
  EXPECT_THAT(outcomes(calls), ElementsAre("SUBSCRIBE!NOPERM", "PING"));
}

TEST(Redis, ClientReplyOffAndSkipHaveNoReplies) {
  const auto calls =
      replay({command("CLIENT REPLY SKIP"), command("SET a 1"), command("PING"), server("+PONG\r\n"),
              command("client reply off"), command("SET a 2"), command("CLIENT REPLY SKIP"), command("SET a 3"),
              command("CLIENT REPLY ON"), server("+OK\r\n"), command("GET a"), server("$1\r\n3\r\n")});
  EXPECT_THAT(outcomes(calls), ElementsAre("CLIENT REPLY", "SET", "PING", "CLIENT REPLY", "SET", "CLIENT REPLY", "SET",
                                           "CLIENT REPLY", "GET"));
  EXPECT_EQ(calls[1].first_byte, 0U);
  EXPECT_NE(calls[8].first_byte, 0U);
}

TEST(Redis, KnowsTheDatabaseFromSelect) {
  const auto calls =
      replay({client(array("SELECT 3") + array("GET a")), server("+OK\r\n$-1\r\n"), command("SELECT 99"),
              server("-ERR DB index is out of range\r\n"),
              client(array("MULTI") + array("SELECT 5") + array("GET a") + array("EXEC")),
              server("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n$-1\r\n"), command("GET a"), server("$-1\r\n"),
              command("RESET"), server("+RESET\r\n"), command("GET a"), server("$-1\r\n")});
  Texts databases;
  for (const Call& call : calls) databases.emplace_back(call.attributes.find("db.namespace").value_or("?"));
  EXPECT_THAT(databases, ElementsAre("0", "3", "3", "3", "3", "3", "3", "5", "5", "0"));
}

TEST(Redis, MonitorEndsTheConversation) {
  Feeder feeder;
  feeder.say(command("MONITOR"));
  EXPECT_EQ(feeder.say(server("+OK\r\n")).action, Next::Action::opaque);
  EXPECT_THAT(outcomes(feeder.calls()), ElementsAre("MONITOR"));
}

TEST(Redis, ReplicationEndsTheConversation) {
  Feeder feeder;
  feeder.say(command("PSYNC ? -1"));
  feeder.say(server("-LOADING wait\r\n"));
  feeder.say(command("PSYNC ? -1"));
  EXPECT_EQ(feeder.say(server("\n\n+FULLRESYNC abc 1\r\n$10\r\nREDIS")).action, Next::Action::opaque);
  EXPECT_THAT(outcomes(feeder.calls()), ElementsAre("PSYNC!LOADING", "PSYNC"));
  Feeder old;
  old.say(command("SYNC"));
  EXPECT_EQ(old.say(server("$175\r\nREDIS0011")).action, Next::Action::opaque);
  EXPECT_THAT(outcomes(old.calls()), ElementsAre("SYNC"));
  EXPECT_EQ(old.calls()[0].response_body_bytes, 0U) << "whose end is not waited for";
}

TEST(Redis, SkipsBigStrings) {
  Feeder feeder;
  Next next = feeder.say(Side::client, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$100000\r\nabc", 1000);
  EXPECT_EQ(next.action, Next::Action::skip);
  EXPECT_EQ(next.bytes, 100000U - 1003);
  next = feeder.say(Side::client, "", 100000 - 1003);
  EXPECT_EQ(next.action, Next::Action::more);
  feeder.say(Side::client, "\r\n");
  feeder.say(Side::server, "+OK\r\n");
  feeder.say(command("GET a"));
  next = feeder.say(Side::server, "$100000\r\nab", 100);
  EXPECT_EQ(next.bytes, 100000U - 102);
  feeder.say(Side::server, "", 100000 - 102 + 2);
  EXPECT_THAT(outcomes(feeder.calls()), ElementsAre("SET", "GET"));
  EXPECT_EQ(feeder.calls()[0].request_body_bytes, 20U + 9 + 100002);
  EXPECT_EQ(feeder.calls()[1].response_body_bytes, 9U + 100002);
}

TEST(Redis, AsksForAllOfTransfersOnlyWhereMessagesGoOnInThem) {
  Feeder big;
  EXPECT_FALSE(big.say(Side::client, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$100000\r\n" + std::string(4000, 'x'), 96002).deep);
  EXPECT_FALSE(big.say(Side::server, "+OK\r\n").deep);
  Feeder cut;
  EXPECT_TRUE(cut.say(Side::client, array("GET a"), 1000).deep) << "what follows was not copied";
  EXPECT_FALSE(cut.say(Side::client, array("GET a"), 1000).deep) << "said once";
  Feeder pipeline;
  std::string commands;
  for (int i = 0; i < 100; ++i) commands += array("GET aaaaaaaa");
  EXPECT_TRUE(pipeline.say(Side::client, commands).deep) << "the next may be larger";
}

TEST(Redis, CountsTheKeysThatACommandNames) {
  const auto calls = replay({command("MGET a b c"), server("*0\r\n"), command("MSET a 1 b 2"), server("+OK\r\n"),
                             command("EVAL x 2 a b c"), server(":1\r\n"), command("GET a"), server("$-1\r\n")});
  Texts counts;
  for (const Call& call : calls) counts.emplace_back(call.attributes.find("db.redis.key_count").value_or("-"));
  EXPECT_THAT(counts, ElementsAre("3", "2", "2", "-"));
}

TEST(Redis, TellsKeysOnlyWhereTheUserAsksForThem) {
  const Conversation conversation{
      command("SET user:7 s3cret"), server("+OK\r\n"), command("EVALSHA x 1 k v"), server(":1\r\n"),
      command("OBJECT ENCODING o"), server(":1\r\n"),  command("AUTH s3cret"),     server("+OK\r\n")};
  for (const Call& call : replay(conversation))
    EXPECT_EQ(call.attributes.find("db.operation.parameter.key"), std::nullopt);
  Options options;
  options.extras.key_names = true;
  Texts keys;
  for (const Call& call : replay(conversation, Kind::server, options))
    keys.emplace_back(call.attributes.find("db.operation.parameter.key").value_or("-"));
  EXPECT_THAT(keys, ElementsAre("user:7", "k", "o", "-"));
}

// Pub/sub, transactions, errors, long strings: what depends on order and framing.
const Conversation everything{
    command("HELLO 3 AUTH default s3cret"),
    server("%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"),
    client(array("SELECT 2") + array("SET a 1") + array("NOSUCH x") + "PING\r\n\r\n" + array("MGET a b")),
    server("+OK\r\n+OK\r\n-ERR unknown command 'NOSUCH'\r\n+PONG\r\n*2\r\n$1\r\n1\r\n_\r\n"),
    client(array("SUBSCRIBE x y") + array("CONFIG GET a")),
    server(">3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\ny\r\n:2\r\n"),
    server(">3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$2\r\nhi\r\n|1\r\n+a\r\n*?\r\n:1\r\n.\r\n%1\r\n+a\r\n$?\r\n;2\r\nxx\r\n;"
           "0\r\n"),
    command("CLIENT REPLY SKIP"),
    command("SET a " + std::string(300, 'x')),
    command("GET a"),
    server("$300\r\n" + std::string(300, 'x') + "\r\n"),
    command("EVAL return 0"),
    server("!12\r\nMYERR broken\r\n")};

TEST(Redis, TheSameCallsHoweverTheBytesAreCut) {
  for (const Kind role : {Kind::server, Kind::client}) {
    Options options;
    options.extras.key_names = true;
    const Texts whole = to_text(replay(everything, role, options));
    ASSERT_EQ(whole.size(), 12U);
    for (std::size_t piece = 1; piece < 40; ++piece) {
      Feeder feeder(role, options);
      for (const Turn& turn : everything) {
        feeder.tick();
        for (std::size_t at = 0; at < turn.bytes.size(); at += piece)
          feeder.give(turn.from, std::string_view(turn.bytes).substr(at, piece));
      }
      feeder.close();
      EXPECT_EQ(to_text(feeder.calls()), whole) << "in pieces of " << piece;
    }
  }
}

TEST(Redis, NoSecretIsInAnyCall) {
  Options options;
  options.extras.key_names = true;
  for (const std::string& text : to_text(replay(everything, Kind::server, options)))
    EXPECT_EQ(text.find("s3cret"), text.npos);
}

TEST(Redis, GivesWhatIsUnansweredAtTheClose) {
  const auto calls = replay({command("BLPOP a 0"), client("*2\r\n$3\r\nGET\r\n")});
  EXPECT_THAT(outcomes(calls), ElementsAre("BLPOP~", "GET~"));
  EXPECT_EQ(calls[0].partial, partial_no_response);
  EXPECT_EQ(calls[0].end, 3000U);
}

TEST(Redis, GivesTheOldestAwayWhenTooManyWait) {
  Feeder feeder;
  for (std::size_t i = 0; i < outstanding_limit; ++i) feeder.give(Side::client, array("GET a"));
  feeder.give(Side::client, array("INCR b"));
  EXPECT_THAT(outcomes(feeder.calls()), ElementsAre("GET~"));
  feeder.tick();
  for (std::size_t i = 0; i < outstanding_limit; ++i) feeder.give(Side::server, "$-1\r\n");
  feeder.give(Side::server, "-ERR x\r\n");
  ASSERT_EQ(feeder.calls().size(), outstanding_limit + 1);
  EXPECT_EQ(outcomes(feeder.calls()).back(), "INCR!ERR");
}

Options late() {
  Options options;
  options.joined_late = true;
  return options;
}

TEST(Redis, JoinedLateTheFirstCallIsMarkedAndHasNoOutcome) {
  const auto calls =
      replay({server("llo\r\n"), command("GET a"), server("-ERR x\r\n"), command("GET a"), server("-ERR x\r\n")},
             Kind::server, late());
  EXPECT_THAT(outcomes(calls), ElementsAre("GET~", "GET!ERR"));
  EXPECT_EQ(calls[0].partial, partial_joined_late);
  EXPECT_EQ(calls[1].attributes.find("db.namespace"), std::nullopt) << "nobody saw a SELECT";
}

TEST(Redis, JoinedInAValueItWaitsForACommand) {
  const auto calls =
      replay({client("some value\r\n"), command("GET a"), server("$-1\r\n"), command("PING"), server("+PONG\r\n")},
             Kind::server, late());
  EXPECT_THAT(outcomes(calls), ElementsAre("GET~", "PING"));
}

TEST(Redis, JoinedLateARepliesCommandIsNotMadeUp) {
  Options options = late();
  options.kind = Kind::server;
  const auto calls =
      replay({server("-ERR x\r\n"), command("GET a"), server("$-1\r\n"), command("PING"), server("+PONG\r\n")},
             Kind::server, options);
  EXPECT_THAT(outcomes(calls), ElementsAre("!ERR~", "GET~", "PING"));
}

TEST(Redis, JoinedLateInAPipelineNoOutcomeIsGivenToAnotherCommand) {
  Feeder feeder(Kind::client, late());
  feeder.say(command("GET a"));  // two from before are unanswered
  feeder.say(command("GET b"));
  for (int i = 0; i < 100; ++i) {
    feeder.say(Side::server, i % 3 == 0 ? "-ERR x\r\n" : "$-1\r\n");
    feeder.say(command("GET c"));
  }
  for (const Call& call : feeder.calls()) {
    EXPECT_EQ(call.error, "");
    EXPECT_EQ(call.partial, partial_joined_late);
  }
  for (int i = 0; i < 4; ++i) feeder.say(Side::server, "$-1\r\n");
  feeder.now += 100'000'000;
  feeder.say(command("GET d"));
  feeder.say(server("-ERR x\r\n"));
  EXPECT_EQ(outcomes(feeder.calls()).back(), "GET!ERR");
}

TEST(Redis, ResumesAfterALoss) {
  for (const Side side : {Side::client, Side::server}) {
    Feeder feeder;
    feeder.say(command("SET a 1"));
    feeder.say(server("+OK\r\n"));
    feeder.say(command("GET a"));
    feeder.lose(side);
    feeder.say(server("-ERR x\r\n"));
    feeder.say(command("INCR a"));
    feeder.say(server(":1\r\n"));
    feeder.say(command("DECR a"));
    feeder.say(server("-ERR y\r\n"));
    feeder.close();
    EXPECT_THAT(outcomes(feeder.calls()), ElementsAre("SET", "GET~", "INCR~", "DECR!ERR"));
  }
}

TEST(Redis, AReplyWhoseRecordComesFirstIsGivenToItsCommand) {
  Feeder feeder(Kind::client);
  feeder.say(command("PING"));
  feeder.say(server("+PONG\r\n"));
  const Nanoseconds begin = feeder.now + 1000;
  feeder.now = begin + 300;
  feeder.give(Side::server, "-ERR x\r\n");
  feeder.now = begin;
  feeder.give(Side::client, array("GET a"));
  EXPECT_THAT(outcomes(feeder.calls()), ElementsAre("PING", "GET!ERR"));
}

TEST(Redis, WhatIsNoRespIsInvalid) {
  Feeder feeder;
  feeder.say(command("GET a"));
  EXPECT_EQ(feeder.say(server("HTTP/1.1 400 Bad Request\r\n\r\n")).action, Next::Action::invalid);
  EXPECT_THAT(outcomes(feeder.calls()), ElementsAre("GET~"));
}

TEST(Redis, ErrorsThatHaveNoPrefixAreOther) {
  const auto calls = replay({client(array("EVAL x 0") + array("EVAL x 0") + array("EVAL x 0")),
                             server("-my secret text\r\n-\r\n-ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 x\r\n")});
  EXPECT_THAT(outcomes(calls), ElementsAre("EVAL!_OTHER", "EVAL!_OTHER", "EVAL!ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"));
}

}  // namespace
}  // namespace subfloor::protocols::redis
