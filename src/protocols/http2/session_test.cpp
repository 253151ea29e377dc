// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "protocols/http2/conversation.h"

namespace subfloor::protocols::http2 {
namespace {

using namespace testing;
using ::testing::ElementsAre;

std::vector<std::string> paths(const std::vector<Call>& calls) {
  std::vector<std::string> all;
  for (const Call& call : calls) all.push_back(call.path);
  return all;
}

TEST(Http2, TellsARequestAndItsResponse) {
  Talk talk;
  talk.feeder.client(talk.client.headers(1, get("/a/b?c=d")));
  talk.feeder.server(talk.server.headers(1, status(200), false) + data(1, "hello"));
  const Call call = talk.feeder.call();
  EXPECT_EQ(call.protocol->name, "http2");
  EXPECT_EQ(call.protocol->family, &http_family);
  EXPECT_EQ(call.kind, Kind::server);
  EXPECT_EQ(call.operation, "GET");
  EXPECT_EQ(call.path, "/a/b");
  EXPECT_EQ(call.query, "c=d");
  EXPECT_EQ(call.version, "2");
  EXPECT_EQ(call.status, 200);
  EXPECT_EQ(call.response_body_bytes, 5u);
  EXPECT_EQ(call.partial, partial_no);
  EXPECT_EQ(call.error, "");
  EXPECT_EQ(call.request_headers.find("host"), "example.com:8080");
  EXPECT_EQ(call.request_headers.find("user-agent"), "test/1");
  EXPECT_EQ(call.response_headers.find("server"), "test");
  EXPECT_EQ(call.start, 3100u) << "the server had its first byte";
  EXPECT_EQ(call.request_end, 3100u);
  EXPECT_EQ(call.first_byte, 4000u) << "the server began to write";
  EXPECT_EQ(call.end, 4100u);
  EXPECT_EQ(call.pid, 10u);
}

TEST(Http2, AClientsCallHasItsOwnTimes) {
  Talk talk(Kind::client);
  talk.feeder.client(talk.client.headers(1, get("/")));
  talk.feeder.server(talk.server.headers(1, status(204)));
  const Call call = talk.feeder.call();
  EXPECT_EQ(call.kind, Kind::client);
  EXPECT_EQ(call.start, 3000u);
  EXPECT_EQ(call.first_byte, 4100u);
  EXPECT_EQ(call.end, 4100u);
}

TEST(Http2, TellsConcurrentStreamsInterleavedInBothDirections) {
  Talk talk;
  talk.feeder.client(join({talk.client.headers(1, get("/one"), false), talk.client.headers(3, get("/three")),
                           talk.client.headers(5, get("/five"), false)}));
  EXPECT_EQ(talk.feeder.session.active(Kind::server), 3u);
  EXPECT_EQ(talk.feeder.session.active(Kind::client), 0u);
  talk.feeder.server(talk.server.headers(5, status(200), false) + data(5, "5", false));
  talk.feeder.client(data(1, "abc", false) + data(5, "x"));
  talk.feeder.server(talk.server.headers(3, status(404)) + data(5, "55"));
  talk.feeder.client(data(1, "d"));
  talk.feeder.server(talk.server.headers(1, status(500)));
  EXPECT_THAT(paths(talk.feeder.calls()), ElementsAre("/three", "/five", "/one"));
  EXPECT_EQ(talk.feeder.calls()[0].status, 404);
  EXPECT_EQ(talk.feeder.calls()[1].status, 200);
  EXPECT_EQ(talk.feeder.calls()[1].request_body_bytes, 1u);
  EXPECT_EQ(talk.feeder.calls()[1].response_body_bytes, 3u);
  EXPECT_EQ(talk.feeder.calls()[2].status, 500);
  EXPECT_EQ(talk.feeder.calls()[2].request_body_bytes, 4u);
  EXPECT_EQ(talk.feeder.session.active(Kind::server), 0u);
}

// A conversation with everything HTTP/2 has.
Conversation everything() {
  Writer client, server;
  const std::string post = client.block(with(get("/post"), {{"x-long", std::string(300, 'y')}}));
  const std::string padded = std::string(1, 3) + u32(0) + "\x10" + client.block(get("/padded?p=1")) + std::string(3, 0);
  Conversation talk{
      {Side::client, client_start() + window_update(0)},
      {Side::server, settings() + settings_ack()},
      {Side::client, settings_ack() + frame(FrameType::headers, 0, 1, post.substr(0, 10)) +
                         frame(FrameType::continuation, 0, 1, post.substr(10, 100)) +
                         frame(FrameType::continuation, flag_end_headers, 1, post.substr(110)) +
                         frame(FrameType::data, flag_padded, 1, std::string(1, 4) + "body" + std::string(4, 0))},
      {Side::client, frame(FrameType::headers, flag_end_stream | flag_end_headers | flag_padded | flag_priority, 3, padded) +
                         frame(FrameType::priority, 0, 5, u32(3) + "\x10") + ping()},
      {Side::server, frame(FrameType::ping, flag_ack, 0, "12345678") + server.headers(1, status(103), false)},
      {Side::client, data(1, "end")},
  };
  client.resize_table(0);
  client.resize_table(1024);
  std::string promised = u32(2);
  promised += server.block({{":method", "GET"}, {":path", "/pushed"}, {":scheme", "http"}, {":authority", "new"}});
  talk.push_back({Side::server, frame(FrameType::push_promise, flag_end_headers, 1, promised)});
  talk.push_back({Side::client, reset(2, 8) + client.headers(5, get("/five"))});
  talk.push_back({Side::server, join({server.headers(1, with(status(200), {{"x-new", "value"}}), false), data(1, "0123456789", false),
                                     server.headers(3, with(status(200), {{"x-new", "value"}}), false), data(3, {}),
                                     server.headers(1, {{"x-checksum", "1"}})})});
  talk.push_back({Side::client, client.headers(7, {{":method", "HEAD"}, {":path", "/head"}, {":scheme", "http"}})});
  talk.push_back({Side::server, frame(static_cast<FrameType>(0xee), 0x55, 99, "unknown") +
                         server.headers(7, with(status(200), {{"content-length", "100"}})) + reset(5, 11)});
  talk.push_back({Side::server, frame(FrameType::goaway, 0, 0, u32(7) + u32(0) + "bye")});
  return talk;
}

TEST(Http2, KnowsEveryKindOfFrame) {
  const std::vector<Call> calls = replay(everything());
  ASSERT_THAT(paths(calls), ElementsAre("/padded", "/post", "/head", "/five"));
  EXPECT_EQ(calls[0].query, "p=1");
  EXPECT_EQ(calls[0].response_headers.find("x-new"), "value");
  EXPECT_EQ(calls[1].request_headers.find("x-long")->size(), 300u);
  EXPECT_EQ(calls[1].request_body_bytes, 7u) << "padding is no content";
  EXPECT_EQ(calls[1].response_body_bytes, 10u);
  EXPECT_EQ(calls[1].status, 200) << "not the 103 before";
  EXPECT_EQ(calls[2].operation, "HEAD");
  EXPECT_EQ(calls[2].status, 200);
  EXPECT_EQ(calls[3].status, std::nullopt);
  EXPECT_EQ(calls[3].error, "ENHANCE_YOUR_CALM");
  for (const Call& call : calls) EXPECT_EQ(call.partial, partial_no) << to_text(call);
}

// Times of the first and last byte depend on where a turn is cut only if its pieces have times of their own.
TEST(Http2, CutAnywhereGivesTheSameCalls) {
  const Conversation talk = everything();
  for (const Kind role : {Kind::server, Kind::client}) {
    const std::vector<std::string> whole = to_text(replay(talk, role));
    for (std::size_t size = 1; size < 40; ++size) {
      Feeder feeder(role);
      for (const Turn& turn : talk) {
        feeder.tick();
        for (std::size_t at = 0; at < turn.bytes.size(); at += size)
          feeder.give(turn.from, std::string_view(turn.bytes).substr(at, size));
      }
      feeder.close();
      EXPECT_EQ(to_text(feeder.calls()), whole) << size;
    }
  }
}

TEST(Http2, AResetIsAnErrorWithoutStatus) {
  Talk talk;
  talk.feeder.client(talk.client.headers(1, get("/")));
  talk.feeder.client(reset(1, 8));
  EXPECT_EQ(talk.feeder.call().error, "CANCEL");
  EXPECT_EQ(talk.feeder.call().status, std::nullopt);
  EXPECT_EQ(talk.feeder.call().end, 4100u);
  talk.feeder.server(talk.server.headers(1, status(200)));  // was on its way
  EXPECT_EQ(talk.feeder.calls().size(), 1u);
}

TEST(Http2, AResetAfterTheResponseIsNone) {
  Talk talk;
  talk.feeder.client(talk.client.headers(1, {{":method", "POST"}, {":path", "/"}, {":scheme", "http"}}, false));
  talk.feeder.server(talk.server.headers(1, status(413)));
  EXPECT_TRUE(talk.feeder.calls().empty()) << "the request goes on";
  talk.feeder.server(reset(1, 0));
  EXPECT_EQ(talk.feeder.call().status, 413);
  EXPECT_EQ(talk.feeder.call().error, "");
  EXPECT_EQ(talk.feeder.call().partial, partial_no);
}

TEST(Http2, GoawayEndsWhatTheServerWillNotLookAt) {
  Talk talk;
  talk.feeder.client(join({talk.client.headers(1, get("/1")), talk.client.headers(3, get("/3")), talk.client.headers(5, get("/5"))}));
  talk.feeder.server(frame(FrameType::goaway, 0, 0, u32(1) + u32(0)));
  EXPECT_THAT(paths(talk.feeder.calls()), ElementsAre("/5", "/3"));
  EXPECT_EQ(talk.feeder.calls()[0].error, "GOAWAY");
  EXPECT_EQ(talk.feeder.calls()[0].status, std::nullopt);
  talk.feeder.server(talk.server.headers(1, status(200)));
  EXPECT_EQ(talk.feeder.calls().back().status, 200);
}

TEST(Http2, AnExtendedConnectIsTheWholeCall) {
  Talk talk;
  talk.feeder.client(talk.client.headers(1, {{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "http"},
                                             {":path", "/chat?x=1"}, {":authority", "h"}}, false));
  talk.feeder.server(talk.server.headers(1, status(200), false));
  const Call call = talk.feeder.call();
  EXPECT_EQ(call.operation, "CONNECT");
  EXPECT_EQ(call.path, "/chat");
  EXPECT_EQ(call.status, 200);
  EXPECT_EQ(call.partial, partial_no);
  talk.feeder.client(data(1, "tunnel", false));
  talk.feeder.server(data(1, "tunnel") + reset(1, 8));
  EXPECT_EQ(talk.feeder.calls().size(), 1u);
}

TEST(Http2, ARefusedConnectGoesOnAsUsual) {
  Talk talk;
  talk.feeder.client(talk.client.headers(1, {{":method", "CONNECT"}, {":authority", "host:443"}}, false));
  talk.feeder.server(talk.server.headers(1, status(403), false) + data(1, "no"));
  talk.feeder.client(data(1, {}));
  EXPECT_EQ(talk.feeder.call().path, "host:443");
  EXPECT_EQ(talk.feeder.call().status, 403);
  EXPECT_EQ(talk.feeder.call().response_body_bytes, 2u);
}

TEST(Http2, AResponseSeenBeforeItsRequestIsPaired) {
  Talk talk(Kind::client);
  const std::string request = talk.client.headers(1, get("/early"));
  talk.feeder.server(talk.server.headers(1, status(200)));
  talk.feeder.client(request);
  talk.feeder.close();
  EXPECT_EQ(talk.feeder.call().path, "/early");
  EXPECT_EQ(talk.feeder.call().status, 200);
  EXPECT_EQ(talk.feeder.call().partial, partial_no);
}

TEST(Http2, TheCloseEndsWhatIsOpen) {
  Talk talk;
  talk.feeder.client(join({talk.client.headers(1, get("/waits")), talk.client.headers(3, get("/half"))}));
  talk.feeder.server(talk.server.headers(3, status(200), false) + data(3, "abc", false));
  talk.feeder.close();
  ASSERT_THAT(paths(talk.feeder.calls()), ElementsAre("/waits", "/half"));
  EXPECT_EQ(talk.feeder.calls()[0].partial, partial_no_response);
  EXPECT_EQ(talk.feeder.calls()[0].status, std::nullopt);
  EXPECT_EQ(talk.feeder.calls()[1].partial, partial_cut_short);
  EXPECT_EQ(talk.feeder.calls()[1].status, 200);
}

TEST(Http2, SkipsContentWithoutSeeingIt) {
  Talk talk;
  talk.feeder.client(talk.client.headers(1, get("/")));
  const std::string whole = talk.server.headers(1, status(200), false) + data(1, std::string(10'000, 'x'), false);
  const Next next = talk.feeder.server(whole.substr(0, 1000));
  EXPECT_EQ(next.action, Next::Action::skip);
  EXPECT_EQ(next.bytes, whole.size() - 1000);
  EXPECT_EQ(talk.feeder.server({}, next.bytes).action, Next::Action::more);
  talk.feeder.server(data(1, {}));
  EXPECT_EQ(talk.feeder.call().response_body_bytes, 10'000u);
  EXPECT_EQ(talk.feeder.call().partial, partial_no);
}

TEST(Http2, KeepsHeadersUpToTheLimitAndSaysSo) {
  Options options;
  options.header_limit = 100;
  Talk talk(Kind::server, options);
  talk.feeder.client(talk.client.headers(1, with(get("/"), {{"x-a", "1"}, {"x-b", std::string(100, 'b')}, {"x-c", "1"}})));
  talk.feeder.server(talk.server.headers(1, status(200)));
  const Call call = talk.feeder.call();
  EXPECT_EQ(call.partial, partial_headers);
  EXPECT_EQ(call.path, "/");
  EXPECT_TRUE(call.request_headers.find("x-a"));
  EXPECT_FALSE(call.request_headers.find("x-b"));
}

TEST(Http2, KeepsOnlyTraceContextAndHostWhenAskedTo) {
  Options options;
  options.keep_headers = false;
  options.extras.forwarded_for = true;
  Talk talk(Kind::server, options);
  talk.feeder.client(talk.client.headers(
      1, with(get("/"), {{"cookie", "secret"}, {"traceparent", "00-a"}, {"b3", "1"}, {"x-forwarded-for", "10.1.1.1, 10.2.2.2"}})));
  talk.feeder.server(talk.server.headers(1, with(status(200), {{"set-cookie", "secret"}})));
  const Call call = talk.feeder.call();
  EXPECT_FALSE(call.headers_kept);
  EXPECT_EQ(to_text(call.request_headers), " traceparent=00-a b3=1 x-forwarded-for=10.1.1.1, 10.2.2.2 host=example.com:8080");
  EXPECT_EQ(to_text(call.response_headers), "");
  EXPECT_EQ(call.attributes.find("client.address"), "10.1.1.1");
}

TEST(Http2, TellsMoreStreamsThanItHoldsAsLost) {
  Talk talk;
  for (std::uint32_t i = 0; i <= open_streams_limit; ++i) talk.feeder.client(talk.client.headers(2 * i + 1, get("/")));
  ASSERT_EQ(talk.feeder.calls().size(), 1u);
  EXPECT_EQ(talk.feeder.calls()[0].partial, partial_lost);
  EXPECT_EQ(talk.feeder.session.active(Kind::server), open_streams_limit);
  for (std::uint32_t i = 0; i <= open_streams_limit; ++i) talk.feeder.server(talk.server.headers(2 * i + 1, status(200)));
  EXPECT_EQ(talk.feeder.calls().size(), open_streams_limit + 1) << "each once";
}

TEST(Http2, GivesUpWhatIsNotHttp2) {
  Feeder feeder;
  EXPECT_EQ(feeder.client(client_start()).action, Next::Action::more);
  EXPECT_EQ(feeder.client(frame(FrameType::ping, 0, 0, "short")).action, Next::Action::invalid);
  Feeder other;
  EXPECT_EQ(other.client("PRI * HTTP/3.0\r\n").action, Next::Action::invalid);
  Talk talk;
  talk.feeder.client(frame(FrameType::headers, 0, 1, "\x82"));
  EXPECT_EQ(talk.feeder.client(data(1, "x")).action, Next::Action::invalid) << "within a header block";
}

TEST(Http2, AnswersTheRequestThatAskedForTheUpgrade) {
  for (const Kind role : {Kind::server, Kind::client}) {
    Call request;
    request.kind = role;
    request.operation = "GET";
    request.path = "/up";
    request.version = "1.1";
    request.start = 5;
    request.request_end = 6;
    Options options;
    options.request = &request;
    Talk talk(role, options);
    EXPECT_EQ(talk.feeder.session.active(role), 1u);
    talk.feeder.server(talk.server.headers(1, status(200), false) + data(1, "x"));
    talk.feeder.client(talk.client.headers(3, get("/next")));
    talk.feeder.server(talk.server.headers(3, status(404)));
    talk.feeder.close();
    ASSERT_EQ(talk.feeder.calls().size(), 2u);
    EXPECT_EQ(talk.feeder.calls()[0].path, "/up");
    EXPECT_EQ(talk.feeder.calls()[0].kind, role);
    EXPECT_EQ(talk.feeder.calls()[0].status, 200);
    EXPECT_EQ(talk.feeder.calls()[0].start, 5u);
    EXPECT_EQ(talk.feeder.calls()[0].protocol->name, "http2");
    EXPECT_EQ(talk.feeder.calls()[0].version, "2");
    EXPECT_EQ(talk.feeder.calls()[0].partial, partial_no);
    EXPECT_EQ(talk.feeder.calls()[1].path, "/next");
  }
}

TEST(Http2, RecognisesPrefaceAndSettings) {
  const auto guess = [](std::string_view bytes, bool whole = true) {
    return http2_descriptor.recognise({.bytes = bytes, .whole = whole});
  };
  EXPECT_EQ(guess(connection_preface), Guess::yes);
  for (std::size_t n = 1; n < connection_preface.size(); ++n)
    EXPECT_EQ(guess(connection_preface.substr(0, n)), Guess::maybe_with_more);
  EXPECT_EQ(guess(settings()), Guess::yes);
  EXPECT_EQ(guess(settings() + window_update(0)), Guess::yes);
  EXPECT_EQ(guess(frame(FrameType::settings, 0, 0, {})), Guess::yes);
  for (std::size_t n = 1; n < settings().size(); ++n)
    EXPECT_EQ(guess(settings().substr(0, n)), Guess::maybe_with_more) << n;
  for (const std::string_view other : {"GET / HTTP/1.1\r\n", "*1\r\n$4\r\nPING\r\n", "\x16\x03\x01\x02", "PRI x"})
    EXPECT_EQ(guess(other), Guess::no) << other;
}

}  // namespace
}  // namespace subfloor::protocols::http2
