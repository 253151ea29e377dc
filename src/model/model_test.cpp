// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "model/call.h"
#include "model/connection.h"
#include "model/process.h"

namespace subfloor {
namespace {

Address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, std::uint16_t port) {
  return {.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}, .port = port};
}

TEST(Address, WritesIpv4AsSuch) {
  EXPECT_EQ(v4(127, 0, 0, 1, 80).text(), "127.0.0.1:80");
  EXPECT_EQ(v4(255, 255, 255, 255, 65535).ip_text(), "255.255.255.255");
  EXPECT_TRUE(v4(0, 0, 0, 0, 80).is_ipv4());
}

TEST(Address, WritesIpv6InBrackets) {
  const Address loopback{.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, .port = 80};
  EXPECT_EQ(loopback.text(), "[::1]:80");
  EXPECT_EQ(loopback.ip_text(), "::1");
  EXPECT_FALSE(loopback.is_ipv4());
  const Address other{.ip = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab}, .port = 1};
  EXPECT_EQ(other.text(), "[2001:db8::ab]:1");
}

TEST(Address, IsUnknownOnlyWhereAllOfItIsZero) {
  EXPECT_FALSE(Address{}.known());
  EXPECT_TRUE(v4(0, 0, 0, 0, 0).known());
  Address port_only;
  port_only.port = 1;
  EXPECT_TRUE(port_only.known());
}

TEST(HeaderList, KeepsFieldsInOrderOfArrival) {
  HeaderList list;
  EXPECT_TRUE(list.empty());
  list.add("Host", "a");
  list.add("Set-Cookie", "1");
  list.add("set-cookie", "");
  list.add("", "odd");
  ASSERT_EQ(list.size(), 4U);
  EXPECT_EQ(list[0].name, "Host");
  EXPECT_EQ(list[0].value, "a");
  EXPECT_EQ(list[2].name, "set-cookie");
  EXPECT_EQ(list[2].value, "");
  EXPECT_EQ(list[3].name, "");
  EXPECT_EQ(list[3].value, "odd");
}

TEST(HeaderList, FindsTheFirstFieldOfANameWhateverItsCase) {
  HeaderList list;
  list.add("Accept", "x");
  list.add("SET-cookie", "first");
  list.add("Set-Cookie", "second");
  EXPECT_EQ(list.find("set-COOKIE"), "first");
  EXPECT_EQ(list.find("Set-Cooki"), std::nullopt);
  EXPECT_EQ(HeaderList().find(""), std::nullopt);
}

TEST(HeaderList, ReplacesValuesByShorterAndLongerOnes) {
  HeaderList list;
  list.add("authorization", "secret");
  list.add("host", "h");
  list.replace_value(0, "a much longer replacement");
  EXPECT_EQ(list[0].value, "a much longer replacement");
  list.replace_value(0, "-");
  EXPECT_EQ(list[0].value, "-");
  EXPECT_EQ(list[0].name, "authorization");
  EXPECT_EQ(list[1].value, "h");
}

TEST(HeaderList, KeepsNothingOfAReplacedValueInItsMemory) {
  HeaderList list;
  list.add("authorization", "hunter2");
  list.replace_value(0, "-");
  // The whole block: the name is its beginning. NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage)
  const std::string_view block(list[0].name.data(), std::string_view("authorizationhunter2-").size());
  EXPECT_EQ(block, std::string_view("authorization\0\0\0\0\0\0\0-", block.size()));
}

TEST(HeaderList, IsEmptyAfterClear) {
  HeaderList list;
  list.add("host", "h");
  list.clear();
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.find("host"), std::nullopt);
  list.add("a", "b");
  EXPECT_EQ(list[0].value, "b");
}

TEST(EqualIgnoringCase, ComparesAsciiLettersOnly) {
  EXPECT_TRUE(equal_ignoring_case("Content-LENGTH", "content-length"));
  EXPECT_FALSE(equal_ignoring_case("a", "ab"));
  EXPECT_FALSE(equal_ignoring_case("@", "`"));  // they differ by the bit that tells cases apart
  EXPECT_FALSE(equal_ignoring_case("\xc4", "\xe4"));
}

constexpr Protocol http1{"http1", &http_family};

TEST(Call, IsAsNewAfterClear) {
  Call call;
  call.kind = Kind::client;
  call.protocol = &http1;
  call.target = "t";
  call.attributes.add("a", "b");
  call.resolutions.push_back({});
  call.request_end = call.first_byte = 5;
  call.tid = 4;
  call.request_body_bytes = 8;
  call.headers_kept = false;
  call.start = 1;
  call.end = 2;
  call.pid = 3;
  call.operation = "GET";
  call.path = "/";
  call.query = "q";
  call.version = "1.1";
  call.status = 200;
  call.error = "e";
  call.request_headers.add("a", "b");
  call.response_headers.add("a", "b");
  call.response_body_bytes = 9;
  call.partial = partial_lost;
  call.clear();
  EXPECT_EQ(call.kind, Kind::server);
  EXPECT_EQ(call.protocol, &no_protocol);
  EXPECT_TRUE(call.attributes.empty());
  EXPECT_TRUE(call.resolutions.empty());
  EXPECT_EQ(call.target, "");
  EXPECT_EQ(call.start + call.request_end + call.first_byte + call.end, 0U);
  EXPECT_EQ(call.pid + call.tid + call.request_body_bytes + call.response_body_bytes, 0U);
  EXPECT_TRUE(call.headers_kept);
  EXPECT_EQ(call.operation + call.path + call.query + call.version + call.error, "");
  EXPECT_FALSE(call.status);
  EXPECT_TRUE(call.request_headers.empty());
  EXPECT_TRUE(call.response_headers.empty());
  EXPECT_EQ(call.partial, partial_no);
}

TEST(Call, NeverLastsLessThanNothing) {
  Call call;
  call.start = 10;
  call.end = 4;
  EXPECT_EQ(call.duration(), 0U);
  call.end = 25;
  EXPECT_EQ(call.duration(), 15U);
}

TEST(Language, HasANameForEach) {
  EXPECT_EQ(to_string(Language::unknown), "unknown");
  EXPECT_EQ(to_string(Language::nodejs), "nodejs");
  EXPECT_EQ(to_string(Language::dotnet), "dotnet");
  EXPECT_EQ(to_string(static_cast<Language>(99)), "unknown");
}

}  // namespace
}  // namespace subfloor
