// SPDX-License-Identifier: Apache-2.0
// Joined late, or after a loss: what is certain is told, and nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "protocols/http2/conversation.h"

namespace subfloor::protocols::http2 {
namespace {

using namespace testing;

Options late() {
  Options options;
  options.joined_late = true;
  return options;
}

Fields read(HeaderReader& reader, const std::string& block, bool& uncertain) {
  reader.begin();
  reader.take(block, {.keep_all = true, .forwarding = false, .limit = 1 << 20});
  reader.end();
  const HeaderBlock& got = reader.block();
  uncertain = got.uncertain;
  Fields fields;
  for (std::size_t i = 0; i < got.fields.size(); ++i)
    fields.emplace_back(std::string(got.fields[i].name), std::string(got.fields[i].value));
  return fields;
}

TEST(Http2Late, KnowsStaticFieldsLiteralsAndWhatWasInsertedSince) {
  Writer client;
  (void)client.block(with(get("/old"), {{"x-old", "1"}}));
  HeaderReader reader(false);
  bool uncertain = false;
  const Fields first = read(reader, client.block(with(get("/old"), {{"x-old", "1"}, {"x-new", "2"}})), uncertain);
  EXPECT_TRUE(uncertain);
  EXPECT_THAT(first, ::testing::ElementsAre(std::pair<std::string, std::string>("x-new", "2")));
  EXPECT_EQ(reader.block().method, "GET") << "from the static table";
  EXPECT_EQ(reader.block().path, "/old") << "nghttp2 writes paths as literals";
  EXPECT_EQ(reader.block().authority, "") << "in the table, where it was put before";
  const Fields second =
      read(reader, client.block({{":method", "GET"}, {"x-new", "2"}, {":scheme", "http"}}), uncertain);
  EXPECT_FALSE(uncertain) << "by its index";
  EXPECT_EQ(second.size(), 1u);
}

// The oracle reads all blocks, the reader those from a random one on. Tables of every size, resized at times.
TEST(Http2Late, NeverTellsAnotherFieldThanTheOneThatWasSent) {
  std::mt19937 random(1);
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  std::size_t told = 0, unknown = 0, by_index = 0;
  for (int round = 0; round < 300; ++round) {
    const std::size_t table = below(4) == 0 ? 65536 : below(3) == 0 ? below(500) : 4096;
    Writer writer(table);
    if (table > 4096) writer.resize_table(table);
    const unsigned names = 1 + below(40), values = 1 + below(6), joined = below(30);
    HeaderReader reader(false);
    for (unsigned i = 0; i < joined + 30; ++i) {
      if (below(20) == 0) writer.resize_table(below(static_cast<unsigned>(table) + 1));
      Fields fields;
      for (unsigned n = below(12); n > 0; --n) {
        std::string value = "v" + std::to_string(below(values));
        if (below(15) == 0) value.append(below(5000), 'z');
        fields.emplace_back("name-" + std::to_string(below(names)), value);
      }
      const std::string block = writer.block(fields);
      if (i < joined) continue;
      bool uncertain = false;
      const Fields got = read(reader, block, uncertain);
      std::size_t at = 0;
      for (const auto& field : got) {  // in order, each one of those that were sent
        while (at < fields.size() && fields[at] != field) ++at;
        ASSERT_LT(at, fields.size()) << "round " << round << " block " << i << " " << field.first;
        ++at;
      }
      EXPECT_TRUE(uncertain || got.size() == fields.size());
      told += got.size();
      unknown += fields.size() - got.size();
      if (got.size() * 20 > block.size()) ++by_index;
    }
  }
  EXPECT_GT(told, 20'000u);
  EXPECT_GT(unknown, 1000u);
  EXPECT_GT(by_index, 50u);
}

TEST(Http2Late, BlocksThatWereMissedMakeTheTableUnknownAgain) {
  Writer writer;
  HeaderReader reader(true);
  bool uncertain = false;
  (void)read(reader, writer.block({{"x-a", "1"}}), uncertain);
  (void)writer.block({{"x-b", "2"}});
  reader.forget();
  EXPECT_THAT(read(reader, writer.block({{"x-a", "1"}, {"x-b", "2"}}), uncertain), ::testing::IsEmpty());
  EXPECT_TRUE(uncertain);
}

TEST(Http2Late, TellsTheCallsAfterItAndMarksWhatTheyReferTo) {
  Writer client, server;
  (void)client.block(get("/old"));
  (void)server.block(status(200));
  Feeder feeder(Kind::server, late());
  feeder.client(client.headers(7, get("/old")));
  feeder.server(server.headers(7, status(200)));
  feeder.client(client.headers(9, get("/new")));
  feeder.server(server.headers(9, status(200)));
  feeder.client(client.headers(11, get("/new")));
  feeder.server(server.headers(11, status(200)));
  ASSERT_EQ(feeder.calls().size(), 3u);
  EXPECT_EQ(feeder.calls()[0].operation, "GET");
  EXPECT_EQ(feeder.calls()[0].path, "/old");
  EXPECT_EQ(feeder.calls()[0].request_headers.find("host"), std::nullopt);
  EXPECT_EQ(feeder.calls()[0].status, 200);
  EXPECT_EQ(feeder.calls()[0].partial, partial_context);
  EXPECT_EQ(feeder.calls()[1].path, "/new");
  EXPECT_EQ(feeder.calls()[1].partial, partial_context) << "the authority is unknown";
  EXPECT_EQ(feeder.calls()[2].path, "/new");
}

TEST(Http2Late, AResponseWhoseRequestCameBeforeHasNoOperation) {
  Writer server;
  Feeder feeder(Kind::server, late());
  feeder.server(server.headers(7, status(404), false) + data(7, "x"));
  feeder.close();
  EXPECT_EQ(feeder.call().operation, "");
  EXPECT_EQ(feeder.call().status, 404);
  EXPECT_EQ(feeder.call().partial, partial_joined_late);
  EXPECT_EQ(feeder.call().start, feeder.call().first_byte);
}

TEST(Http2Late, AStatusThatIsUnknownIsNotInvented) {
  Writer client, server;
  (void)server.block(status(418));
  Feeder feeder(Kind::server, late());
  feeder.client(client.headers(7, get("/")));
  feeder.server(server.headers(7, status(418)));
  EXPECT_EQ(feeder.call().path, "/");
  EXPECT_EQ(feeder.call().status, std::nullopt);
  EXPECT_EQ(feeder.call().partial, partial_context);
}

TEST(Http2Late, JoinedWithinAFrameItGoesOnWithTheNextSegmentThatBeginsWithOne) {
  Writer client, server;
  Feeder feeder(Kind::server, late());
  feeder.server(std::string(2000, 'x'));
  feeder.server(std::string(100, '\0') + server.headers(3, status(500)));
  feeder.client(client.headers(7, get("/")));
  feeder.server(server.headers(7, status(200)));
  EXPECT_EQ(feeder.call().path, "/");
  EXPECT_EQ(feeder.call().status, 200);
}

TEST(Http2Late, AStreamWhoseEndMayHaveBeenLostIsGivenUp) {
  Talk talk;
  talk.feeder.client(join({talk.client.headers(1, get("/1")), talk.client.headers(3, get("/3"))}));
  talk.feeder.lose(Side::server);
  talk.feeder.client(talk.client.headers(5, get("/5")));
  talk.feeder.server(talk.server.headers(5, status(200)));
  talk.feeder.server(talk.server.headers(3, status(200)));
  ASSERT_EQ(talk.feeder.calls().size(), 2u);
  EXPECT_EQ(talk.feeder.calls()[0].path, "/5");
  EXPECT_EQ(talk.feeder.calls()[1].path, "/3");
  EXPECT_EQ(talk.feeder.calls()[1].status, 200);
  talk.feeder.session.on_tick(60'000'000'000, talk.feeder.sink);
  ASSERT_EQ(talk.feeder.calls().size(), 3u);
  EXPECT_EQ(talk.feeder.calls()[2].path, "/1");
  EXPECT_EQ(talk.feeder.calls()[2].status, std::nullopt);
  EXPECT_EQ(talk.feeder.calls()[2].partial, partial_lost);
  talk.feeder.server(talk.server.headers(1, status(200)));
  EXPECT_EQ(talk.feeder.calls().size(), 3u) << "told already";
}

TEST(Http2Late, AHeaderBlockThatWasNotCopiedIsACallOfWhichLittleIsKnown) {
  Talk talk;
  const std::string request = talk.client.headers(1, get("/" + std::string(200, 'p')));
  talk.feeder.client(request.substr(0, 12), request.size() - 12);
  talk.feeder.server(talk.server.headers(1, status(200)));
  EXPECT_EQ(talk.feeder.call().path, "");
  EXPECT_EQ(talk.feeder.call().status, 200);
  EXPECT_TRUE(talk.feeder.call().partial & partial_lost);
}

TEST(Http2Late, GapsInContentCostNothing) {
  Talk talk;
  talk.feeder.client(talk.client.headers(1, get("/")));
  const std::string response = talk.server.headers(1, status(200), false) + data(1, std::string(5000, 'x'));
  talk.feeder.server(response.substr(0, 3000));
  talk.feeder.server({}, 1000);
  talk.feeder.server(response.substr(4000));
  EXPECT_EQ(talk.feeder.call().response_body_bytes, 5000u);
  EXPECT_EQ(talk.feeder.call().partial, partial_no);
}

TEST(Http2Late, IsRecognisedByTheShapeOfFrames) {
  Writer client;
  (void)client.block(get("/"));
  const std::string headers = client.headers(7, get("/"));
  const auto guess = [](std::string_view bytes) {
    return http2_descriptor.recognise({.bytes = bytes, .whole = false});
  };
  EXPECT_EQ(guess(headers), Guess::yes);
  EXPECT_EQ(guess(headers + window_update(0)), Guess::yes);
  EXPECT_EQ(guess(window_update(0) + window_update(7)), Guess::yes);
  EXPECT_EQ(guess(ping()), Guess::yes);
  EXPECT_EQ(guess(headers.substr(0, 5)), Guess::maybe_with_more);
  EXPECT_EQ(guess(data(7, "some content")), Guess::likely) << "only a length fits";
  EXPECT_EQ(guess(headers.substr(0, headers.size() - 1)), Guess::no);
  EXPECT_EQ(guess(headers + "more"), Guess::no);
  for (const std::string_view other : {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "*1\r\n$4\r\nPING\r\n"})
    EXPECT_EQ(guess(other), Guess::no);
  EXPECT_EQ(guess(std::string_view("\x05\0\0\1select", 10)), Guess::no) << "MySQL";
  EXPECT_EQ(guess(std::string_view("\0\0\0\x14\0\x12\0\3\0\0\0\1\0\4test\0\0\0\0", 22)), Guess::no) << "Kafka";
}

// Cut anywhere and joined anywhere, a record has no other content than when seen whole.
TEST(Http2Late, JoinedAnywhereItTellsNothingThatIsNotSo) {
  Writer client, server;
  std::vector<std::pair<Side, std::string>> turns{{Side::client, client_start()}, {Side::server, settings()}};
  for (std::uint32_t i = 0; i < 40; ++i) {
    const std::uint32_t id = 2 * i + 1;
    turns.emplace_back(Side::client,
                       client.headers(id, with(get("/p/" + std::to_string(id)), {{"x-id", std::to_string(i % 5)}})));
    turns.emplace_back(
        Side::server, server.headers(id, status(200 + static_cast<int>(i % 7)), false) + data(id, std::string(i, 'x')));
  }
  for (std::size_t from = 2; from < turns.size(); ++from) {
    for (const std::size_t cut : {0, 3, 9, 20}) {
      Feeder feeder(Kind::server, late());
      for (std::size_t i = from; i < turns.size(); ++i) {
        std::string_view bytes = turns[i].second;
        if (i == from) bytes.remove_prefix(std::min<std::size_t>(cut, bytes.size()));
        feeder.say(turns[i].first, bytes);
      }
      feeder.close();
      EXPECT_GE(feeder.calls().size() + 1, (turns.size() - from) / 2);
      for (const Call& call : feeder.calls()) {
        EXPECT_TRUE(call.operation == "GET" || (call.operation.empty() && call.partial != 0));
        if (call.path.empty()) continue;
        const unsigned id = static_cast<unsigned>(std::stoul(call.path.substr(3)));
        EXPECT_EQ(call.status.value_or(200 + static_cast<int>(id / 2 % 7)), 200 + static_cast<int>(id / 2 % 7));
        EXPECT_EQ(call.request_headers.find("x-id").value_or(std::to_string(id / 2 % 5)), std::to_string(id / 2 % 5));
        EXPECT_EQ(call.response_body_bytes, id / 2);
      }
    }
  }
}

}  // namespace
}  // namespace subfloor::protocols::http2
