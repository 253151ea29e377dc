// SPDX-License-Identifier: Apache-2.0
#include "protocols/http1/head.h"

#include <gtest/gtest.h>

#include <string>

namespace subfloor::protocols::http1 {
namespace {

struct Parsed {
  Parse result;
  Head head;
  HeaderList fields;
};

Parsed parse(std::string_view text, std::size_t limit = 4096, bool keep_all = true) {
  Parsed parsed{};
  parsed.result = parse_head(text, {parsed.fields, keep_all, limit}, parsed.head);
  return parsed;
}

TEST(Http1Head, ReadsARequest) {
  const Parsed p = parse("POST /x?y HTTP/1.1\r\nHost: h\r\nContent-Length: 12 \r\nX-Empty:\r\n\r\nbody");
  ASSERT_EQ(p.result, Parse::complete);
  EXPECT_EQ(p.head.start.method, "POST");
  EXPECT_EQ(p.head.start.target, "/x?y");
  EXPECT_EQ(p.head.start.version, "1.1");
  EXPECT_EQ(p.head.content_length, 12u);
  EXPECT_EQ(p.head.size, 62u);
  ASSERT_EQ(p.fields.size(), 3u);
  EXPECT_EQ(p.fields.find("content-length"), "12");
  EXPECT_EQ(p.fields.find("x-empty"), "");
}

TEST(Http1Head, ReadsAResponseWithAndWithoutReason) {
  EXPECT_EQ(parse("HTTP/1.0 404 Not Found\r\n\r\n").head.start.status, 404);
  EXPECT_EQ(parse("HTTP/1.1 200\r\n\r\n").head.start.status, 200);
  EXPECT_EQ(parse("HTTP/1.1 200 \r\n\r\n").result, Parse::complete);
  EXPECT_EQ(parse("HTTP/1.1 099 x\r\n\r\n").result, Parse::bad);
  EXPECT_EQ(parse("HTTP/1.1 2000 x\r\n\r\n").result, Parse::bad);
  EXPECT_EQ(parse("HTTP/1.1 20\r\n\r\n").result, Parse::bad);
}

TEST(Http1Head, IsIncompleteAtEveryPrefixAndNeverBad) {
  for (const std::string& whole :
       {std::string("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"), std::string("HTTP/1.1 200 OK\nA: b\n\n")}) {
    for (std::size_t n = 1; n < whole.size(); ++n) {
      EXPECT_EQ(parse(std::string_view(whole).substr(0, n)).result, Parse::incomplete) << n;
    }
    EXPECT_EQ(parse(whole).result, Parse::complete);
  }
}

TEST(Http1Head, RefusesWhatIsNotHttp1AsSoonAsItShows) {
  for (const char* text :
       {"GET / HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n", "GET /\r\n", "G(T", "GET  /", "HTTP/2", "HTTP/1.x",
        "abcdefghijklmnopqrstuvwxyzabcdefghi", "GET /\x01", "\x16\x03\x01", "*1\r\n$4\r\nPING\r\n"}) {
    EXPECT_EQ(parse(text).result, Parse::bad) << text;
  }
}

TEST(Http1Head, AcceptsUnknownMethodsThatAreTokens) {
  EXPECT_EQ(parse("X-MY_METHOD /x HTTP/1.1\r\n\r\n").head.start.method, "X-MY_METHOD");
}

TEST(Http1Head, ToleratesBareLineFeedsFoldsAndStrayLines) {
  const Parsed p = parse("GET / HTTP/1.1\nA: one\n  two\r\n\tthree\nno colon here\n: no name\nB: c\n\nrest");
  ASSERT_EQ(p.result, Parse::complete);
  ASSERT_EQ(p.fields.size(), 2u);
  EXPECT_EQ(p.fields.find("a"), "one   two  \tthree");
  EXPECT_EQ(p.fields.find("b"), "c");
}

TEST(Http1Head, KnowsFramingFieldsWhateverTheirCase) {
  EXPECT_TRUE(parse("HTTP/1.1 200 OK\r\ntRANSFER-eNCODING: gzip, Chunked\r\n\r\n").head.chunked);
  EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n").head.chunked);
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n").head.content_length, 7u);
}

TEST(Http1Head, RefusesContentLengthsThatContradictOrCannotBeRead) {
  const auto bad = [](std::string_view value) {
    return parse("POST / HTTP/1.1\r\nContent-Length: " + std::string(value) + "\r\n\r\n").head.bad_framing;
  };
  EXPECT_FALSE(bad("5, 5"));
  EXPECT_FALSE(bad("5\r\nContent-Length: 5"));
  EXPECT_TRUE(bad("5, 6"));
  EXPECT_TRUE(bad("5\r\nContent-Length: 6"));
  EXPECT_TRUE(bad("-1"));
  EXPECT_TRUE(bad("+1"));
  EXPECT_TRUE(bad("0x10"));
  EXPECT_TRUE(bad(""));
  EXPECT_TRUE(bad("99999999999999999999"));
  EXPECT_TRUE(parse("POST / HTTP/1.1\r\nContent-Length : 5\r\n\r\n").head.bad_framing);
}

TEST(Http1Head, StoresOnlyFieldsThatEndWithinTheLimitAndStillFramesByTheRest) {
  const std::string filler = "X-Filler: " + std::string(100, 'x') + "\r\n";
  const Parsed p = parse("POST / HTTP/1.1\r\nA: b\r\n" + filler + "Content-Length: 3\r\n\r\n", 100);
  ASSERT_EQ(p.result, Parse::complete);
  EXPECT_EQ(p.fields.size(), 1u);
  EXPECT_TRUE(p.head.fields_cut);
  EXPECT_EQ(p.head.content_length, 3u);
}

TEST(Http1Head, KeepsOnlyTraceAndNamingFieldsWhenAskedTo) {
  const Parsed p = parse(
      "GET / HTTP/1.1\r\nHost: h\r\nCookie: secret\r\nTraceParent: 00-a\r\nB3: 1\r\nX-B3-Flags: 1\r\nContent-Length : "
      "3\r\n\r\n",
      4096, false);
  EXPECT_EQ(p.fields.size(), 4u);
  EXPECT_TRUE(p.head.bad_framing) << "framing is read though it is not kept";
  EXPECT_EQ(p.fields.find("x-b3-flags"), "1");
  EXPECT_FALSE(p.fields.find("cookie"));
  EXPECT_EQ(p.fields.find("traceparent"), "00-a");
}

TEST(Http1Head, FindsTheEndOfAHeadGivenInPieces) {
  const std::string whole = "GET / HTTP/1.1\r\nA: b\r\n \r\nC: d\n\r\nrest";
  for (std::size_t step = 1; step < 9; ++step) {
    HeadEnd end;
    std::size_t size = 0;
    for (std::size_t n = step; size == 0 && n < whole.size() + step; n += step) {
      size = end.find(std::string_view(whole).substr(0, n));
    }
    EXPECT_EQ(size, whole.size() - 4) << step;
    EXPECT_EQ(parse(whole).head.size, size);
  }
}

}  // namespace
}  // namespace subfloor::protocols::http1
