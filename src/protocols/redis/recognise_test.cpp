// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "protocols/redis/conversation.h"

namespace subfloor::protocols::redis {
namespace {

using namespace testing;

Guess guess(std::string_view bytes, std::string_view other = {}) {
  return redis_descriptor.recognise({.bytes = bytes, .other = other});
}

TEST(RedisRecognition, KnowsCommandsAtOnceAndWaitsForTheirNames) {
  const std::string command = array("SET key value");
  for (std::size_t size = 1; size < command.size(); ++size) {
    const bool named = size >= std::string_view("*3\r\n$3\r\nSET").size();
    EXPECT_EQ(guess(command.substr(0, size)), named ? Guess::yes : Guess::maybe_with_more) << size;
  }
  EXPECT_EQ(guess(array("HELLO 3")), Guess::yes);
  EXPECT_EQ(guess(array("json.get key")), Guess::yes);
  EXPECT_EQ(guess(array("my.command key")), Guess::likely);
  EXPECT_EQ(guess("PING\r\n"), Guess::yes);
}

TEST(RedisRecognition, ALineIsACommandOnceAReplyFollows) {
  EXPECT_EQ(guess("set a b\r\n"), Guess::maybe_with_more);
  EXPECT_EQ(guess("+OK\r\n", "set a b\r\n"), Guess::yes);
  EXPECT_EQ(guess(array("my.command"), ":1\r\n"), Guess::yes);
}

TEST(RedisRecognition, KnowsASubscriberByItsMessages) {
  EXPECT_EQ(guess("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"), Guess::yes);
  EXPECT_EQ(guess(">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n"), Guess::yes);
}

TEST(RedisRecognition, OtherProtocolsAreNot) {
  for (const std::string_view bytes :
       {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n", "220 mail.example.com ESMTP\r\n", "EHLO example.com\r\n",
        ":irc.example.com NOTICE * :hi\r\n", "PING :irc\r\n x", "USER bob\r\n", "VALUE key 0 5\r\nhello\r\nEND\r\n",
        "\x16\x03\x01\x02\x01", "*1\r\n$5\r\n\x01\x02\x03\x04\x05\r\n", "*x\r\n", "$-2\r\n", "*3\r\n:1\r\n\xff",
        "* OK IMAP4rev1 ready\r\n"})
    EXPECT_NE(guess(bytes), Guess::yes) << bytes;
  EXPECT_EQ(guess("GET /index.html\r\n"), Guess::no);
  EXPECT_EQ(guess("STORED\r\n", "set key 0 0 5\r\nhello\r\n"), Guess::no) << "memcached";
  EXPECT_EQ(guess("VALUE key 0 5\r\n", "get key\r\n"), Guess::no) << "memcached";
  EXPECT_NE(guess("AUTH PLAIN\r\n", "+OK POP3 ready\r\n"), Guess::yes);
  EXPECT_NE(guess("QUIT\r\n", "+OK POP3 ready\r\n"), Guess::yes);
  EXPECT_EQ(redis_descriptor.recognise({.bytes = "PING\r\n", .datagram = true}), Guess::no);
}

TEST(RedisCommands, AreFoundInAnyCase) {
  EXPECT_EQ(find_command("gEt")->name, "GET");
  EXPECT_EQ(find_command("NOSUCH"), nullptr);
  EXPECT_EQ(find_command(""), nullptr);
  EXPECT_EQ(find_command("CONFIG GET"), nullptr) << "is two words";
  EXPECT_EQ(find_command(std::string(100, 'x')), nullptr);
  EXPECT_EQ(find_subcommand(*find_command("xinfo"), "stream")->name, "XINFO STREAM");
  EXPECT_EQ(find_subcommand(*find_command("xinfo"), std::string(100, 'x'))->name, "XINFO");
}

TEST(RedisCommands, TellHowManyKeysTheyName) {
  EXPECT_EQ(key_count(find_command("MGET")->keys, 4), 3U);
  EXPECT_EQ(key_count(find_command("MSET")->keys, 5), 2U);
  EXPECT_EQ(key_count(find_command("BLPOP")->keys, 4), 2U);
  EXPECT_EQ(key_count(find_command("GET")->keys, 1), 0U) << "too few arguments";
  EXPECT_EQ(key_count(find_command("PING")->keys, 1), 0U);
  EXPECT_EQ(key_count(find_command("EVAL")->keys, 5), std::nullopt);
}

}  // namespace
}  // namespace subfloor::protocols::redis
