// SPDX-License-Identifier: Apache-2.0
#include "exporters/otlp/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace subfloor::otlp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

Target target_of(Signal signal, const Settings& all, const Settings& own = {}) {
  const auto target = resolve(signal, all, own);
  EXPECT_TRUE(target) << target.error().message;
  return target ? *target : Target{};
}

std::string http_address(const std::string& base, const std::string& own = "") {
  Settings all, signal;
  if (!base.empty()) all.endpoint = base;
  if (!own.empty()) signal.endpoint = own;
  return target_of(Signal::traces, all, signal).address;
}

std::string error_of(const Settings& all) {
  const auto target = resolve(Signal::traces, all, {});
  return target ? "no error" : target.error().message;
}

Settings grpc(const std::string& endpoint) {
  Settings settings;
  settings.protocol = Protocol::grpc;
  settings.endpoint = endpoint;
  return settings;
}

TEST(OtlpSettings, AppendThePathOfTheSignalToABaseEndpoint) {
  EXPECT_EQ(http_address("http://c:4318"), "http://c:4318/v1/traces");
  EXPECT_EQ(http_address("http://c:4318/"), "http://c:4318/v1/traces");
  EXPECT_EQ(http_address("https://c/otlp"), "https://c/otlp/v1/traces");
  EXPECT_EQ(http_address("https://c/otlp/"), "https://c/otlp/v1/traces");
  EXPECT_EQ(http_address("HTTP://c"), "http://c/v1/traces");
  EXPECT_EQ(http_address("http://[::1]:4318"), "http://[::1]:4318/v1/traces");
  Settings all;
  all.endpoint = "http://c";
  EXPECT_EQ(target_of(Signal::metrics, all).address, "http://c/v1/metrics");
}

TEST(OtlpSettings, UseAnEndpointOfTheSignalAsItIs) {
  EXPECT_EQ(http_address("http://other", "http://c:4318/custom?key=1"), "http://c:4318/custom?key=1");
  EXPECT_EQ(http_address("", "http://c:4318"), "http://c:4318/");
}

TEST(OtlpSettings, HaveTheSpecificationsDefaults) {
  const Target http = target_of(Signal::traces, {});
  EXPECT_EQ(http.address, "http://localhost:4318/v1/traces");
  EXPECT_FALSE(http.tls);
  EXPECT_FALSE(http.gzip);
  EXPECT_EQ(http.timeout, 10'000'000'000U);
  Settings settings;
  settings.protocol = Protocol::grpc;
  EXPECT_EQ(target_of(Signal::traces, settings).address, "localhost:4317");
  EXPECT_FALSE(target_of(Signal::traces, settings).tls);
}

TEST(OtlpSettings, TakeTlsOverGrpcFromTheSchemeElseFromInsecure) {
  EXPECT_EQ(target_of(Signal::traces, grpc("https://c:4317")).address, "c:4317");
  EXPECT_TRUE(target_of(Signal::traces, grpc("https://c:4317")).tls);
  EXPECT_FALSE(target_of(Signal::traces, grpc("http://c:4317/ignored")).tls);
  EXPECT_EQ(target_of(Signal::traces, grpc("http://c:4317/ignored")).address, "c:4317");
  EXPECT_TRUE(target_of(Signal::traces, grpc("c:4317")).tls);
  Settings plain = grpc("c:4317");
  plain.insecure = true;
  EXPECT_FALSE(target_of(Signal::traces, plain).tls);
  plain.endpoint = "https://c:4317";
  EXPECT_TRUE(target_of(Signal::traces, plain).tls) << "the scheme goes first";
  EXPECT_EQ(target_of(Signal::traces, grpc("dns:///c:4317")).address, "dns:///c:4317");
  EXPECT_EQ(target_of(Signal::traces, grpc("unix:/run/c.sock")).address, "unix:/run/c.sock");
}

TEST(OtlpSettings, GiveAnEndpointWithoutPortThatOfItsScheme) {
  EXPECT_EQ(target_of(Signal::traces, grpc("https://c")).address, "c:443");
  EXPECT_EQ(target_of(Signal::traces, grpc("http://c")).address, "c:80");
  EXPECT_EQ(target_of(Signal::traces, grpc("http://[::1]")).address, "[::1]:80");
}

TEST(OtlpSettings, OfASignalGoBeforeThoseOfAll) {
  Settings all, own;
  all.headers = Headers{{"a", "1"}};
  all.timeout = 1;
  all.gzip = true;
  all.ca = "/all.pem";
  own.headers = Headers{{"b", "2"}};
  own.timeout = 2;
  own.protocol = Protocol::grpc;
  const Target target = target_of(Signal::metrics, all, own);
  EXPECT_THAT(target.headers, ElementsAre(Pair("b", "2")));
  EXPECT_EQ(target.timeout, 2U);
  EXPECT_TRUE(target.gzip);
  EXPECT_EQ(target.ca, "/all.pem");
  EXPECT_EQ(target.protocol, Protocol::grpc);
  EXPECT_THAT(target_of(Signal::traces, all).headers, ElementsAre(Pair("a", "1")));
}

TEST(OtlpSettings, RefuseWhatCannotWork) {
  Settings settings;
  for (const auto& [endpoint, part] :
       std::vector<std::pair<std::string, std::string>>{{"collector:4318", "begins with http://"},
                                                        {"ftp://c", "'ftp' is not a scheme"},
                                                        {"http://", "names a host"},
                                                        {"", "names a host"},
                                                        {"http://user:secret@c", "do not belong into an endpoint"},
                                                        {"http://c d", "no spaces"}}) {
    settings.endpoint = endpoint;
    EXPECT_THAT(error_of(settings), HasSubstr(part)) << endpoint;
    EXPECT_THAT(error_of(settings), Not(HasSubstr("secret")));
  }
  settings = {};
  settings.certificate = "/c.pem";
  EXPECT_THAT(error_of(settings), HasSubstr("go together"));
}

TEST(OtlpSettings, ShowAnEndpointWithoutItsQuery) {
  Settings own;
  own.endpoint = "https://c/x?token=secret";
  EXPECT_EQ(target_of(Signal::traces, {}, own).display(), "https://c/x");
}

TEST(OtlpPairs, AreReadWithTheirEscapes) {
  EXPECT_THAT(*parse_pairs("a=1, b = x%20y ,,c=,d=1=2"),
              ElementsAre(Pair("a", "1"), Pair("b", "x y"), Pair("c", ""), Pair("d", "1=2")));
  EXPECT_THAT(*parse_pairs("Authorization=Basic%20QWxhZGRpbjpvcGVu%3D%3d"),
              ElementsAre(Pair("Authorization", "Basic QWxhZGRpbjpvcGVu==")));
  EXPECT_TRUE(parse_pairs("")->empty());
}

TEST(OtlpPairs, AreRefusedWithoutRepeatingThem) {
  for (const char* bad : {"secret", "=secret", "a=1,secret", "a=%", "a=%2", "a=%zz", "%=secret"}) {
    const auto pairs = parse_pairs(bad);
    ASSERT_FALSE(pairs) << bad;
    EXPECT_THAT(pairs.error().message, Not(HasSubstr("secret")));
  }
  EXPECT_THAT(parse_pairs("a=1,b").error().message, HasSubstr("entry 2"));
}

TEST(OtlpHeaders, MustBeWhatBothTransportsCanCarry) {
  EXPECT_TRUE(check_header("x-api-key", "a b!~"));
  EXPECT_FALSE(check_header("", "x"));
  EXPECT_FALSE(check_header("a b", "x"));
  EXPECT_FALSE(check_header("a:", "x"));
  EXPECT_FALSE(check_header("a", "x\r\nEvil: 1"));
  EXPECT_FALSE(check_header("a", "\xc3\xa9"));
  for (const char* own : {"Content-Type", "content-encoding", "Host", "grpc-timeout", "TE", "Content-Length"})
    EXPECT_FALSE(check_header(own, "x")) << own;
  EXPECT_THAT(check_header("a", "secret\n").error().message, Not(HasSubstr("secret")));
}

TEST(OtlpMessages, LoseSecretsAndControlCharactersAndAreNotLong) {
  const Headers headers{{"authorization", "Bearer tok3n"}, {"x", "ab"}};
  EXPECT_EQ(scrubbed("bad 'Bearer tok3n'", headers), "bad '[redacted]'");
  EXPECT_EQ(scrubbed("token tok3n is ab", headers), "token [redacted] is ab");
  EXPECT_EQ(scrubbed("a\nb", {}),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_LT(scrubbed(std::string(10'000, 'x'), {}).size(), 400U);
}

}  // namespace
}  // namespace subfloor::otlp
