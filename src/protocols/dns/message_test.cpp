// SPDX-License-Identifier: Apache-2.0
#include "protocols/dns/message.h"

#include <gmock/gmock.h>

#include "protocols/dns/testing.h"

namespace subfloor::protocols::dns {
namespace {

using namespace testing;
using ::testing::ElementsAre;

Answers answers_of(const std::string& bytes) {
  Header header;
  Question question;
  Answers answers;
  std::size_t at = header_size;
  EXPECT_EQ(parse_header(bytes, header), Parse::complete);
  EXPECT_EQ(parse_question(bytes, at, question), Parse::complete);
  parse_answers(bytes, at, header, question, answers);
  return answers;
}

std::string name_in(const std::string& encoded) {
  const std::string bytes =
      be16(1) + be16(0x0100) + be16(1) + be16(0) + be16(0) + be16(0) + encoded + be16(1) + be16(1);
  Question question;
  std::size_t at = header_size;
  return parse_question(bytes, at, question) == Parse::complete ? question.name : "none";
}

TEST(DnsMessage, ReadsNames) {
  EXPECT_EQ(name_in(name("www.Example.ORG")), "www.example.org");
  EXPECT_EQ(name_in(name("")), ".");
  EXPECT_EQ(name_in(std::string("\x05"
                                "a.b\\\x01\0",
                                7)),
            "a\\.b\\\\\\001");
}

TEST(DnsMessage, RefusesNamesThatCannotBe) {
  EXPECT_EQ(name_in("\xc0\x0c"), "none");                          // points to itself
  EXPECT_EQ(name_in(std::string("\x01"
                                "a\xc0\x0e",
                                4)),
            "none");  // and back to its own middle
  EXPECT_EQ(name_in("\xc0\x01"), "none");                          // into the header
  EXPECT_EQ(name_in("\xc0\xff"), "none");                          // forward
  EXPECT_EQ(name_in("\x40"
                    "abc"),
            "none");                        // a length that nothing has
  std::string longest;
  for (int i = 0; i < 127; ++i)
    longest +=
        "\x01"
        "a";
  EXPECT_EQ(name_in(longest + '\0').size(), 253U);
  EXPECT_EQ(name_in("\x01"
                    "a" +
                    longest + '\0'),
            "none");
}

TEST(DnsMessage, FollowsPointersOnlyBackwards) {
  // Each name of the chain points to the one before it.
  std::string bytes = response(1, "a", 1, {});
  bytes[7] = 100;
  for (int i = 0; i < 100; ++i) {
    const auto before = static_cast<unsigned>(i == 0 ? 12 : bytes.size() - 16);
    bytes += address(be16(0xc000U | before), 1);
  }
  EXPECT_EQ(answers_of(bytes).resolutions.size(), 64U);  // all are the name asked for; so many are kept
}

TEST(DnsMessage, TellsAddressesAndNames) {
  const std::string v6("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
  EXPECT_EQ(answers_of(response(1, "h", 1, {address(question_name, 1), address(question_name, 2)})).text,
            "10.0.0.1,10.0.0.2");
  EXPECT_EQ(answers_of(response(1, "h", 28, {record(question_name, 28, v6)})).text, "2001:db8::1");
  EXPECT_EQ(answers_of(response(1, "h", 15, {record(question_name, 15, be16(10) + name("mx.h"))})).text, "10 mx.h");
  EXPECT_EQ(
      answers_of(response(1, "h", 33, {record(question_name, 33, be16(1) + be16(2) + be16(443) + name("s.h"))})).text,
      "1 2 443 s.h");
  EXPECT_EQ(answers_of(response(1, "h", 65, {record(question_name, 65, be16(1) + name("") + "params")})).text, "1 .");
  EXPECT_EQ(answers_of(response(1, "h", 12, {record(question_name, 12, name("p.h"))})).text, "p.h");
}

TEST(DnsMessage, KeepsTextsToItself) {
  EXPECT_EQ(answers_of(response(1, "h", 16,
                                {record(question_name, 16,
                                        "\x06"
                                        "secret")}))
                .text,
            "");
}

TEST(DnsMessage, FollowsAliasesToTheNameAskedFor) {
  const Answers answers =
      answers_of(response(1, "www.h", 1,
                          {record(question_name, 5, name("cdn.net")), record(name("cdn.net"), 5, name("x.cdn.net")),
                           address(name("X.cdn.net"), 7, 30), address(name("elsewhere.net"), 8)}));
  EXPECT_EQ(answers.text, "cdn.net,x.cdn.net,10.0.0.7,10.0.0.8");
  ASSERT_EQ(answers.resolutions.size(), 1U);
  EXPECT_EQ(answers.resolutions[0].name, "www.h");
  EXPECT_EQ(answers.resolutions[0].ip[15], 7);
  EXPECT_EQ(answers.resolutions[0].ttl, 30U);
}

TEST(DnsMessage, TakesTheUpperBitsOfTheCodeFromEdns) {
  const std::string opt = std::string(1, '\0') + be16(41) + be16(1232) + be32(0x01000000) + be16(0);
  const Answers answers = answers_of(message(1, 0x8180, "h", 1, {}, {opt}));
  EXPECT_EQ(answers.rcode, 16);
  EXPECT_EQ(rcode_text(answers.rcode), "BADVERS");
}

TEST(DnsMessage, StopsWhereItIsCut) {
  const std::string whole = response(1, "h", 1, {address(question_name, 1), address(question_name, 2)});
  EXPECT_EQ(answers_of(whole.substr(0, whole.size() - 1)).text, "10.0.0.1");
}

TEST(DnsMessage, BoundsTheTextOfAnswers) {
  std::vector<std::string> many;
  for (int i = 0; i < 200; ++i) many.push_back(address(question_name, static_cast<std::uint8_t>(i)));
  const Answers answers = answers_of(response(1, "h", 1, many));
  EXPECT_LE(answers.text.size(), answers_limit);
  EXPECT_EQ(answers.resolutions.size(), resolutions_limit);
}

TEST(DnsMessage, NamesTypesAndCodes) {
  EXPECT_EQ(type_text(1), "A");
  EXPECT_EQ(type_text(65), "HTTPS");
  EXPECT_EQ(type_text(257), "CAA");
  EXPECT_EQ(type_text(65400), "TYPE65400");
  EXPECT_EQ(rcode_text(3), "NXDOMAIN");
  EXPECT_EQ(rcode_text(23), "BADCOOKIE");
  EXPECT_EQ(rcode_text(4000), "OTHER");
}

Guess guess(const std::string& bytes, bool datagram) {
  return dns_descriptor.recognise({.bytes = bytes, .datagram = datagram});
}

TEST(DnsRecognition, KnowsQueriesAndResponses) {
  for (const std::string& bytes : {query(1, "h"), query(2, "_s._tcp.h", 33), response(1, "h", 1, {}, 3),
                                   response(1, "h", 1, {address(question_name, 1)})}) {
    EXPECT_EQ(guess(bytes, true), Guess::yes);
    EXPECT_EQ(guess(framed(bytes), false), Guess::yes);
    for (std::size_t size = 0; size < 2 + header_size; ++size)
      EXPECT_EQ(guess(framed(bytes).substr(0, size), false), Guess::maybe_with_more) << size;
  }
}

TEST(DnsRecognition, KnowsWhatIsNoDns) {
  using namespace std::string_literals;
  for (const std::string& bytes :
       {"GET / HTTP/1.1\r\n\r\n"s, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"s, "*1\r\n$4\r\nPING\r\n"s, "PING\r\n"s,
        "+OK\r\n"s, "\0\0\0\x08\x04\xd2\x16\x2f"s, "\0\0\0\x25\0\x03\0\0user\0me\0database\0db\0\0"s,
        "\x4a\0\0\0\x0a"
        "5.7.1\0\x01\0\0\0"s,
        "\0\0\0\x14\0\x12\0\3\0\0\0\1\0\5kcat\0"s, "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"s,
        "SSH-2.0-OpenSSH_9.2\r\n"s}) {
    EXPECT_EQ(guess(bytes, false), Guess::no) << bytes;
    EXPECT_EQ(guess(bytes, true), Guess::no) << bytes;
  }
}

TEST(DnsRecognition, AsksForNoMoreThanAHeaderOfWhatCannotBe) {
  EXPECT_EQ(guess("GET /", false), Guess::no);
  EXPECT_EQ(guess("PING\r\n", false), Guess::no);
}

}  // namespace
}  // namespace subfloor::protocols::dns
