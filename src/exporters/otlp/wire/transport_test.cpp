// SPDX-License-Identifier: Apache-2.0
// Both transports against real servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/fd.h"
#include "exporters/otlp/library.h"
#include "support/certificates.h"
#include "support/otlp_receiver.h"
#include "telemetry/testing.h"

namespace subfloor::otlp {
namespace {

using subfloor::testing::Certificates;
using subfloor::testing::OtlpAnswer;
using subfloor::testing::OtlpReceiver;
using subfloor::testing::OtlpReceiverOptions;
using subfloor::testing::OtlpRequest;
using ::testing::HasSubstr;

constexpr Nanoseconds second = 1'000'000'000;
constexpr int grpc_exhausted = 8, grpc_invalid = 3;

struct Seen {
  std::mutex mutex;
  std::vector<OtlpRequest> requests;
  OtlpAnswer answer;
};

OtlpReceiver::Handler recording(Seen& seen) {
  return [&seen](const OtlpRequest& request) {
    const std::lock_guard lock(seen.mutex);
    seen.requests.push_back(request);
    return seen.answer;
  };
}

const Certificates& certificates() {
  static const Certificates all;
  return all;
}

std::string spans_request() {
  Span span;
  span.trace_id = "0af7651916cd43dd8448eb211c80319c";
  span.span_id = "b7ad6b7169203331";
  span.name = "GET";
  span.resource.service = "nginx";
  return encode(std::vector<Span>{span}, Origin{{}, {}, "0.1.0"});
}

std::string metrics_request() {
  MetricSnapshot snapshot;
  snapshot.families.push_back({"m", "1", "", MetricType::gauge, {}});
  snapshot.families.back().points.push_back({{}, std::uint64_t{1}, {}});
  return encode(snapshot, Origin{{}, {{"service.name", "subfloor"}}, "0.1.0"});
}

// A gRPC channel makes short pauses of its own before it connects anew.
Reply accepted_in_the_end(Transport& transport) {
  const Nanoseconds end = monotonic_now() + 20 * second;
  Reply reply = transport.send(spans_request());
  while (reply.kind != Reply::Kind::accepted && monotonic_now() < end) reply = transport.send(spans_request());
  return reply;
}

class OtlpTransport : public ::testing::TestWithParam<Protocol> {
 protected:
  [[nodiscard]] bool grpc() const { return GetParam() == Protocol::grpc; }

  Settings settings(const OtlpReceiver& receiver, bool tls = false) const {
    Settings result;
    result.protocol = GetParam();
    result.endpoint =
        fmt::format("{}://127.0.0.1:{}", tls ? "https" : "http", grpc() ? receiver.grpc_port() : receiver.http_port());
    return result;
  }
  Reply send(const Settings& settings, Signal signal = Signal::traces) {
    auto transport = connected(settings, signal);
    return transport ? transport->send(signal == Signal::traces ? spans_request() : metrics_request()) : Reply{};
  }
  std::unique_ptr<Transport> connected(const Settings& settings, Signal signal = Signal::traces) {
    const auto target = resolve(signal, settings, {});
    EXPECT_TRUE(target) << target.error().message;
    auto transport = make_transport(signal, *target, "subfloor/test");
    EXPECT_TRUE(transport) << transport.error().message;
    return transport ? std::move(*transport) : nullptr;
  }

  Seen seen_;
};

INSTANTIATE_TEST_SUITE_P(, OtlpTransport, ::testing::Values(Protocol::grpc, Protocol::http_protobuf),
                         [](const auto& parameter) { return parameter.param == Protocol::grpc ? "Grpc" : "Http"; });

TEST_P(OtlpTransport, DeliversSpansAndMetrics) {
  const OtlpReceiver receiver(recording(seen_));
  EXPECT_EQ(send(settings(receiver), Signal::traces).kind, Reply::Kind::accepted);
  EXPECT_EQ(send(settings(receiver), Signal::metrics).kind, Reply::Kind::accepted);
  ASSERT_EQ(seen_.requests.size(), 2U);
  ASSERT_TRUE(seen_.requests[0].traces);
  EXPECT_EQ(seen_.requests[0].traces->resource_spans(0).scope_spans(0).spans(0).name(), "GET");
  ASSERT_TRUE(seen_.requests[1].metrics);
  EXPECT_EQ(seen_.requests[1].metrics->resource_metrics(0).scope_metrics(0).metrics(0).name(), "m");
  if (!grpc()) {
    EXPECT_EQ(seen_.requests[0].path, "/v1/traces");
    EXPECT_EQ(seen_.requests[1].path, "/v1/metrics");
    EXPECT_EQ(seen_.requests[0].headers["content-type"], "application/x-protobuf");
  }
  EXPECT_THAT(seen_.requests[0].headers["user-agent"], HasSubstr("subfloor/test"));
}

TEST_P(OtlpTransport, SendsTheConfiguredHeaders) {
  const OtlpReceiver receiver(recording(seen_));
  Settings with = settings(receiver);
  with.headers = Headers{{"X-Api-Key", "k 1"}, {"authorization", "Bearer t"}, {"empty", ""}};
  EXPECT_EQ(send(with).kind, Reply::Kind::accepted);
  auto& headers = seen_.requests.at(0).headers;
  EXPECT_EQ(headers["x-api-key"], "k 1");
  EXPECT_EQ(headers["authorization"], "Bearer t");
  EXPECT_EQ(headers["empty"], "");
}

TEST_P(OtlpTransport, CompressesWhenItIsToldTo) {
  const OtlpReceiver receiver(recording(seen_));
  Settings with = settings(receiver);
  with.gzip = true;
  EXPECT_EQ(send(with).kind, Reply::Kind::accepted);
  ASSERT_TRUE(seen_.requests.at(0).traces);
  EXPECT_EQ(seen_.requests[0].traces->resource_spans_size(), 1);
  if (!grpc()) {
    EXPECT_EQ(seen_.requests[0].headers["content-encoding"], "gzip");
  } else {  // gRPC hides the encoding from services: a server that does not want it tells
    const OtlpReceiver plain(recording(seen_), {.refuse_grpc_compression = true});
    Settings to_plain = settings(plain);
    EXPECT_EQ(send(to_plain).kind, Reply::Kind::accepted);
    to_plain.gzip = true;
    EXPECT_EQ(send(to_plain).kind, Reply::Kind::refused);
  }
}

TEST_P(OtlpTransport, TellsFailuresThatMayPassFromOthers) {
  const OtlpReceiver receiver(recording(seen_));
  const auto reply_to = [&](int code, std::optional<int> retry_after = {}) {
    seen_.answer = {.code = code, .message = "because", .retry_after = retry_after};
    return send(settings(receiver));
  };
  using Kind = Reply::Kind;
  const std::vector<int> passing =
      grpc() ? std::vector<int>{1, 4, 10, 11, 14, 15} : std::vector<int>{429, 502, 503, 504};
  const std::vector<int> final_ones = grpc() ? std::vector<int>{2, 3, 5, 6, 7, 8, 9, 12, 13, 16}
                                             : std::vector<int>{400, 401, 403, 404, 408, 413, 500, 501};
  for (const int code : passing) {
    EXPECT_EQ(reply_to(code).kind, Kind::retry) << code;
    EXPECT_EQ(reply_to(code).wait, std::nullopt) << code;
    EXPECT_EQ(reply_to(code, 7).wait, 7 * second) << code;
  }
  for (const int code : final_ones) EXPECT_EQ(reply_to(code).kind, Kind::refused) << code;
  if (grpc()) {
    const Reply exhausted = reply_to(grpc_exhausted, 3);
    EXPECT_EQ(exhausted.kind, Kind::retry) << "with RetryInfo the server can recover";
    EXPECT_EQ(exhausted.wait, 3 * second);
  }
  EXPECT_THAT(reply_to(grpc() ? grpc_invalid : 400).message, HasSubstr("because"));
}

TEST_P(OtlpTransport, ReportsAPartialSuccess) {
  const OtlpReceiver receiver(recording(seen_));
  seen_.answer.rejected = 3;
  seen_.answer.message = "too old";
  for (const Signal signal : {Signal::traces, Signal::metrics}) {
    const Reply reply = send(settings(receiver), signal);
    EXPECT_EQ(reply.kind, Reply::Kind::accepted);
    EXPECT_EQ(reply.rejected, 3U);
    EXPECT_EQ(reply.message, "too old");
  }
}

TEST_P(OtlpTransport, SpeaksTlsToAServerItCanVerify) {
  const OtlpReceiver receiver(
      recording(seen_), {.certificate = certificates().path("server.pem"), .key = certificates().path("server.key")});
  Settings with = settings(receiver, true);
  with.ca = certificates().path("ca.pem");
  EXPECT_EQ(send(with).kind, Reply::Kind::accepted);
  with.ca = "";  // the system's do not know it
  const Reply unknown = send(with);
  EXPECT_EQ(unknown.kind, Reply::Kind::retry);
  EXPECT_FALSE(unknown.message.empty());
  EXPECT_EQ(seen_.requests.size(), 1U);
}

TEST_P(OtlpTransport, ShowsItsCertificateToAServerThatAsks) {
  const OtlpReceiver receiver(recording(seen_), {.certificate = certificates().path("server.pem"),
                                                 .key = certificates().path("server.key"),
                                                 .client_ca = certificates().path("ca.pem")});
  Settings with = settings(receiver, true);
  with.ca = certificates().path("ca.pem");
  EXPECT_NE(send(with).kind, Reply::Kind::accepted) << "without a certificate";
  EXPECT_TRUE(seen_.requests.empty());
  with.certificate = certificates().path("client.pem");
  with.key = certificates().path("client.key");
  EXPECT_EQ(send(with).kind, Reply::Kind::accepted);
  EXPECT_EQ(seen_.requests.size(), 1U);
}

TEST_P(OtlpTransport, RefusesCertificatesThatCannotBeRead) {
  Settings with;
  with.protocol = GetParam();
  with.endpoint = "https://127.0.0.1:1";
  with.ca = "/nonexistent/ca.pem";
  const auto target = resolve(Signal::traces, with, {});
  ASSERT_TRUE(target);
  const auto transport = make_transport(Signal::traces, *target, "x");
  ASSERT_FALSE(transport);
  EXPECT_EQ(transport.error().message, "read /nonexistent/ca.pem: No such file or directory (ENOENT)");
}

TEST_P(OtlpTransport, ReadsItsCertificatesAgainAfterAFailure) {
  const std::string copy = certificates().path("changing-ca.pem");
  const auto copied = [&](const char* from) {
    std::filesystem::copy_file(certificates().path(from), copy, std::filesystem::copy_options::overwrite_existing);
  };
  copied("client.pem");  // does not vouch for the server
  const OtlpReceiver receiver(
      recording(seen_), {.certificate = certificates().path("server.pem"), .key = certificates().path("server.key")});
  Settings with = settings(receiver, true);
  with.ca = copy;
  const auto transport = connected(with);
  EXPECT_NE(transport->send(spans_request()).kind, Reply::Kind::accepted);
  copied("ca.pem");
  const Reply reply = accepted_in_the_end(*transport);
  EXPECT_EQ(reply.kind, Reply::Kind::accepted) << reply.message;
}

TEST_P(OtlpTransport, ComesBackToACollectorThatWasRestarted) {
  auto receiver = std::make_unique<OtlpReceiver>(recording(seen_));
  const OtlpReceiverOptions same{.grpc_port = receiver->grpc_port(), .http_port = receiver->http_port()};
  const auto transport = connected(settings(*receiver));
  EXPECT_EQ(transport->send(spans_request()).kind, Reply::Kind::accepted);
  receiver.reset();
  const Reply gone = transport->send(spans_request());
  EXPECT_EQ(gone.kind, Reply::Kind::retry) << gone.message;
  receiver = std::make_unique<OtlpReceiver>(recording(seen_), same);
  const Reply reply = accepted_in_the_end(*transport);
  EXPECT_EQ(reply.kind, Reply::Kind::accepted) << reply.message;
}

TEST_P(OtlpTransport, TakesNobodyThereForAFailureThatMayPass) {
  Settings nowhere;
  nowhere.protocol = GetParam();
  nowhere.endpoint = "http://127.0.0.1:1";
  const Reply reply = send(nowhere);
  EXPECT_EQ(reply.kind, Reply::Kind::retry);
  EXPECT_FALSE(reply.message.empty());
}

// A server that takes connections, and then says nothing.
class Silent {
 public:
  Silent() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_.get(), 16), 0);
    EXPECT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  [[nodiscard]] int port() const { return port_; }

 private:
  Fd listener_;
  int port_ = 0;
};

TEST_P(OtlpTransport, DoesNotWaitLongerThanItsTimeout) {
  const Silent silent;
  Settings with;
  with.protocol = GetParam();
  with.endpoint = fmt::format("http://127.0.0.1:{}", silent.port());
  with.timeout = second / 5;
  EXPECT_EQ(send(with).kind, Reply::Kind::retry);
}

TEST_P(OtlpTransport, CanBeCutShortFromAnotherThread) {
  std::mutex mutex;
  std::condition_variable changed;
  bool inside = false, go_on = false;
  const OtlpReceiver receiver([&](const OtlpRequest&) {
    std::unique_lock lock(mutex);
    inside = true;
    changed.notify_all();
    changed.wait(lock, [&] { return go_on; });
    return OtlpAnswer{};
  });
  Settings with = settings(receiver);
  with.timeout = 3600 * second;
  const auto transport = connected(with);
  Reply reply;
  std::thread sender([&] { reply = transport->send(spans_request()); });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return inside; });
  }
  transport->limit(monotonic_now());
  sender.join();
  EXPECT_EQ(reply.kind, Reply::Kind::retry);
  EXPECT_EQ(transport->send(spans_request()).kind, Reply::Kind::retry) << "nor is there time for another";
  const std::lock_guard lock(mutex);
  go_on = true;
  changed.notify_all();
}

TEST(OtlpHttp, DoesNotFollowRedirectionsWithItsSecrets) {
  Seen elsewhere, seen;
  const OtlpReceiver other(recording(elsewhere));
  seen.answer = {.code = 307, .location = fmt::format("http://127.0.0.1:{}/v1/traces", other.http_port())};
  const OtlpReceiver receiver(recording(seen));
  Settings with;
  with.endpoint = fmt::format("http://127.0.0.1:{}", receiver.http_port());
  const auto transport = make_transport(Signal::traces, *resolve(Signal::traces, with, {}), "x");
  ASSERT_TRUE(transport);
  EXPECT_EQ((*transport)->send(spans_request()).kind, Reply::Kind::refused);
  EXPECT_TRUE(elsewhere.requests.empty());
}

TEST(OtlpAvailability, IsThatOfThisBuild) { EXPECT_EQ(unavailable(), ""); }

}  // namespace
}  // namespace subfloor::otlp
