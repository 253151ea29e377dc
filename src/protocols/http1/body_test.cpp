// SPDX-License-Identifier: Apache-2.0
#include "protocols/http1/body.h"

#include <gtest/gtest.h>

#include <string>

namespace subfloor::protocols::http1 {
namespace {

using Progress = Body::Progress;

// Gives `text` in pieces; what is left over in `rest`.
Progress feed(Body& body, std::string_view text, std::size_t piece, std::string* rest = nullptr) {
  for (std::size_t at = 0; at < text.size(); at += piece) {
    std::string_view part = text.substr(at, piece);
    const Progress progress = body.take(part);
    if (progress != Progress::going) {
      if (rest) *rest = std::string(part) + std::string(text.substr(std::min(text.size(), at + piece)));
      return progress;
    }
    EXPECT_TRUE(part.empty());
  }
  return Progress::going;
}

Body chunked_body() {
  Body body;
  EXPECT_EQ(body.start({BodyKind::chunked}), Progress::going);
  return body;
}

TEST(Http1Body, ChoosesTheFramingOfRfc9112) {
  Head head;
  head.start.status = 200;
  EXPECT_EQ(request_framing(head).kind, BodyKind::none);
  EXPECT_EQ(response_framing(head, "GET").kind, BodyKind::until_close);
  head.content_length = 5;
  EXPECT_EQ(request_framing(head).kind, BodyKind::length);
  EXPECT_EQ(response_framing(head, "GET").length, 5u);
  EXPECT_EQ(response_framing(head, "HEAD").kind, BodyKind::none);
  head.transfer_encoding = head.chunked = true;  // wins over the length
  EXPECT_EQ(request_framing(head).kind, BodyKind::chunked);
  EXPECT_EQ(response_framing(head, "GET").kind, BodyKind::chunked);
  head.chunked = false;
  EXPECT_FALSE(request_framing(head).valid);
  EXPECT_EQ(response_framing(head, "GET").kind, BodyKind::until_close);
  for (const int status : {100, 101, 103, 204, 304}) {
    head.start.status = status;
    EXPECT_EQ(response_framing(head, "GET").kind, BodyKind::none) << status;
  }
  head.start.status = 200;
  EXPECT_EQ(response_framing(head, "CONNECT").kind, BodyKind::none);
}

TEST(Http1Body, EndsAfterTheLength) {
  for (std::size_t piece = 1; piece < 10; ++piece) {
    Body body;
    ASSERT_EQ(body.start({BodyKind::length, 6}), Progress::going);
    std::string rest;
    EXPECT_EQ(feed(body, "abcdefNEXT", piece, &rest), Progress::done);
    EXPECT_EQ(rest, "NEXT");
    EXPECT_EQ(body.received(), 6u);
  }
  Body empty;
  EXPECT_EQ(empty.start({BodyKind::length, 0}), Progress::done);
}

TEST(Http1Body, ReadsChunksExtensionsAndTrailersHoweverCut) {
  const std::string text =
      "5;name=\"v\"\r\nhello\r\n00A  \r\n0123456789\r\n0;last\r\nTrailer: x\r\nOther: y\r\n\r\nNEXT";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    Body body = chunked_body();
    std::string rest;
    EXPECT_EQ(feed(body, text, piece, &rest), Progress::done) << piece;
    EXPECT_EQ(rest, "NEXT");
    EXPECT_EQ(body.received(), 15u);
  }
}

TEST(Http1Body, ToleratesBareLineFeedsInChunkFraming) {
  Body body = chunked_body();
  EXPECT_EQ(feed(body, "3\nabc\n0\n\n", 1), Progress::done);
  EXPECT_EQ(body.received(), 3u);
}

TEST(Http1Body, RefusesBadChunkFraming) {
  for (const char* text : {"x\r\n", "\r\n", ";\r\n", "3\r\nabcd", "1000000000000000\r\n", "3\r\nabc\rx", "0\r\n\rx"}) {
    Body body = chunked_body();
    EXPECT_EQ(feed(body, text, 1), Progress::bad) << text;
  }
  Body extension = chunked_body(), trailers = chunked_body();
  EXPECT_EQ(feed(extension, "5;" + std::string(20000, 'x'), 777), Progress::bad);
  std::string many = "0\r\n";
  for (int i = 0; i < 3000; ++i) many += "Trailer: x\r\n";
  EXPECT_EQ(feed(trailers, many, 777), Progress::bad);
}

TEST(Http1Body, CountsGapsInsideContentAndGivesUpOnGapsInFraming) {
  Body length;
  ASSERT_EQ(length.start({BodyKind::length, 100}), Progress::going);
  std::uint64_t gap = 120;
  EXPECT_EQ(length.pass(gap), Progress::done);
  EXPECT_EQ(gap, 20u);

  Body chunks = chunked_body();
  std::string_view text = "64\r\nabc";
  ASSERT_EQ(chunks.take(text), Progress::going);
  EXPECT_EQ(chunks.skippable(), 97u);
  gap = 97;
  EXPECT_EQ(chunks.pass(gap), Progress::going);
  EXPECT_EQ(chunks.received(), 100u);
  EXPECT_EQ(chunks.skippable(), 0u);
  gap = 1;
  EXPECT_EQ(chunks.pass(gap), Progress::lost);
}

}  // namespace
}  // namespace subfloor::protocols::http1
