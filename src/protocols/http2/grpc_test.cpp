// SPDX-License-Identifier: Apache-2.0
#include "protocols/http2/grpc.h"

#include <gtest/gtest.h>

#include <string>

#include "protocols/http2/conversation.h"

namespace subfloor::protocols::http2 {
namespace {

using namespace testing;

Fields call_to(std::string_view method) {
  return {{":method", "POST"}, {":scheme", "http"}, {":path", std::string(method)}, {":authority", "svc:50051"},
          {"content-type", "application/grpc"}, {"te", "trailers"}};
}
const Fields ok_head{{":status", "200"}, {"content-type", "application/grpc+proto"}};
Fields trailers(int status) { return {{"grpc-status", std::to_string(status)}, {"grpc-message", "secret text"}}; }
std::string message(std::size_t size) { return std::string(1, '\0') + u32(static_cast<std::uint32_t>(size)) + std::string(size, 'm'); }

void unary(Talk& talk, int status) {
  talk.feeder.client(join({talk.client.headers(1, call_to("/pkg.Greeter/Hello"), false), data(1, message(7))}));
  talk.feeder.server(join({talk.server.headers(1, ok_head, false), data(1, message(3), false), talk.server.headers(1, trailers(status))}));
}

TEST(Grpc, TellsServiceMethodAndStatusFromTrailers) {
  Talk talk;
  unary(talk, 0);
  const Call call = talk.feeder.call();
  EXPECT_EQ(call.protocol->name, "grpc");
  EXPECT_EQ(call.operation, "pkg.Greeter/Hello");
  EXPECT_EQ(call.path, "");
  EXPECT_EQ(call.status, 0);
  EXPECT_EQ(call.error, "");
  EXPECT_EQ(call.partial, partial_no);
  EXPECT_EQ(call.attributes.find("grpc.request.messages"), "1");
  EXPECT_EQ(call.attributes.find("grpc.response.messages"), "1");
  EXPECT_EQ(call.request_headers.find("host"), "svc:50051");
}

TEST(Grpc, AServerIsToBlameForSomeStatusesOnlyAClientSeesErrorsInAll) {
  for (int status = 0; status <= 16; ++status) {
    for (const Kind kind : {Kind::server, Kind::client}) {
      Talk talk(kind);
      unary(talk, status);
      const bool servers = status == 2 || status == 4 || (status >= 12 && status <= 15);
      const bool error = kind == Kind::client ? status != 0 : servers;
      EXPECT_EQ(talk.feeder.call().error, error ? std::string(grpc::status_name(status)) : "") << status;
      EXPECT_EQ(talk.feeder.call().status, status);
    }
  }
  EXPECT_EQ(grpc::status_name(5), "NOT_FOUND");
  EXPECT_EQ(grpc::status_name(16), "UNAUTHENTICATED");
}

TEST(Grpc, ReadsTrailersOnlyResponses) {
  Talk talk;
  talk.feeder.client(join({talk.client.headers(1, call_to("/a.B/C"), false), data(1, message(1))}));
  talk.feeder.server(talk.server.headers(1, with(ok_head, trailers(12))));
  EXPECT_EQ(talk.feeder.call().status, 12);
  EXPECT_EQ(talk.feeder.call().error, "UNIMPLEMENTED");
  EXPECT_EQ(talk.feeder.call().attributes.find("grpc.response.messages"), "0");
}

TEST(Grpc, CountsMessagesOfStreamsHoweverTheyAreCut) {
  for (const std::size_t piece : {1, 2, 5, 6, 7, 100}) {
    Talk talk;
    std::string up, down;
    for (std::size_t i = 0; i < 20; ++i) up += message(i);
    for (std::size_t i = 0; i < 30; ++i) down += message(i * 3);
    talk.feeder.client(talk.client.headers(1, call_to("/a.B/C"), false));
    talk.feeder.server(talk.server.headers(1, ok_head, false));
    for (std::size_t at = 0; at < up.size(); at += piece) talk.feeder.client(data(1, up.substr(at, piece), false));
    for (std::size_t at = 0; at < down.size(); at += piece) talk.feeder.server(data(1, down.substr(at, piece), false));
    talk.feeder.client(data(1, {}));
    talk.feeder.server(talk.server.headers(1, trailers(0)));
    EXPECT_EQ(talk.feeder.call().attributes.find("grpc.request.messages"), "20");
    EXPECT_EQ(talk.feeder.call().attributes.find("grpc.response.messages"), "30");
    EXPECT_EQ(talk.feeder.call().request_body_bytes, up.size());
  }
}

TEST(Grpc, SkipsWithinAMessageAndCountsOn) {
  Talk talk;
  talk.feeder.client(talk.client.headers(1, call_to("/a.B/C"), false));
  const std::string bytes = data(1, join({message(6000), message(1)}));
  const Next next = talk.feeder.client(bytes.substr(0, 100));
  EXPECT_EQ(next.action, Next::Action::skip);
  EXPECT_EQ(next.bytes, 9 + 5 + 6000 - 100u) << "up to the next message, not to the end of the frame";
  talk.feeder.client({}, next.bytes);
  talk.feeder.client(bytes.substr(100 + next.bytes));
  talk.feeder.server(join({talk.server.headers(1, ok_head, false), talk.server.headers(1, trailers(0))}));
  EXPECT_EQ(talk.feeder.call().attributes.find("grpc.request.messages"), "2");
}

TEST(Grpc, ANumberOfMessagesThatIsNotKnownIsNotTold) {
  Talk talk;
  talk.feeder.client(talk.client.headers(1, call_to("/a.B/C"), false));
  const std::string bytes = data(1, join({message(50), message(50)}));
  talk.feeder.client(bytes.substr(0, 30), bytes.size() - 30);
  talk.feeder.server(join({talk.server.headers(1, ok_head, false), talk.server.headers(1, trailers(0))}));
  EXPECT_EQ(talk.feeder.call().attributes.find("grpc.request.messages"), std::nullopt);
  EXPECT_EQ(talk.feeder.call().attributes.find("grpc.response.messages"), "0");
  EXPECT_EQ(talk.feeder.call().status, 0);
}

TEST(Grpc, AMissingStatusIsAnErrorAndNotInvented) {
  Talk talk;
  talk.feeder.client(join({talk.client.headers(1, call_to("/a.B/C"), false), data(1, message(1))}));
  talk.feeder.server(join({talk.server.headers(1, ok_head, false), data(1, message(1))}));
  EXPECT_EQ(talk.feeder.call().status, std::nullopt);
  EXPECT_EQ(talk.feeder.call().error, "_OTHER");
}

TEST(Grpc, AProxysAnswerKeepsItsHttpStatus) {
  Talk talk(Kind::client);
  talk.feeder.client(join({talk.client.headers(1, call_to("/a.B/C"), false), data(1, message(1))}));
  talk.feeder.server(talk.server.headers(1, {{":status", "503"}, {"content-type", "text/html"}}));
  EXPECT_EQ(talk.feeder.call().protocol->name, "grpc");
  EXPECT_EQ(talk.feeder.call().status, std::nullopt);
  EXPECT_EQ(talk.feeder.call().error, "503");
  EXPECT_EQ(talk.feeder.call().attributes.find("http.response.status_code"), "503");
}

TEST(Grpc, AClientsCancelIsItsOwnErrorAndNoneOfTheServers) {
  for (const Kind kind : {Kind::server, Kind::client}) {
    Talk talk(kind);
    talk.feeder.client(talk.client.headers(1, call_to("/a.B/C"), false));
    talk.feeder.server(talk.server.headers(1, ok_head, false));
    talk.feeder.client(reset(1, 8));
    EXPECT_EQ(talk.feeder.call().error, kind == Kind::client ? "CANCEL" : "");
    EXPECT_EQ(talk.feeder.call().partial, kind == Kind::client ? partial_no : partial_cut_short);
    EXPECT_EQ(talk.feeder.call().status, std::nullopt);
  }
}

TEST(Grpc, WebIsPlainHttp) {
  Talk talk;
  Fields head = call_to("/a.B/C");
  head[4].second = "application/grpc-web+proto";
  talk.feeder.client(talk.client.headers(1, head));
  talk.feeder.server(talk.server.headers(1, status(200)));
  EXPECT_EQ(talk.feeder.call().protocol->name, "http2");
}

TEST(Grpc, JoinedLateItIsKnownByEitherSide) {
  Writer client, server;
  (void)client.block(call_to("/a.B/C"));
  Options options;
  options.joined_late = true;
  Feeder feeder(Kind::server, options);
  feeder.client(client.headers(9, call_to("/a.B/C"), false));
  feeder.client(data(9, message(2)));
  feeder.server(join({server.headers(9, ok_head, false), data(9, message(1), false), server.headers(9, trailers(5))}));
  const Call call = feeder.call();
  EXPECT_EQ(call.protocol->name, "grpc");
  EXPECT_EQ(call.operation, "a.B/C");
  EXPECT_EQ(call.status, 5);
  EXPECT_TRUE(call.partial & partial_context);
  EXPECT_EQ(call.attributes.find("grpc.request.messages"), std::nullopt) << "nobody knew what to count";
  EXPECT_EQ(call.attributes.find("grpc.response.messages"), "1");
}

TEST(Grpc, HasOpenTelemetrysNames) {
  EXPECT_EQ(grpc::family.operation_key, "rpc.method");
  EXPECT_EQ(grpc::family.status_key, "rpc.response.status_code");
  EXPECT_EQ(grpc::family.otel_duration_metric[0], "rpc.server.call.duration");
  EXPECT_EQ(grpc::family.otel_duration_metric[1], "rpc.client.call.duration");
  ASSERT_EQ(grpc::family.constants.size(), 1u);
  EXPECT_EQ(grpc::family.constants[0].key, "rpc.system.name");
}

}  // namespace
}  // namespace subfloor::protocols::http2
