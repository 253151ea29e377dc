// SPDX-License-Identifier: Apache-2.0
#include "model/http.h"

#include <gtest/gtest.h>

#include <string>

namespace subfloor {
namespace {

TEST(Http, SplitsTargetsOfAllForms) {
  const auto split = [](std::string_view method, std::string_view target) {
    const HttpTarget t = split_target(method, target);
    return std::string(t.path) + " " + std::string(t.query);
  };
  EXPECT_EQ(split("GET", "/p/q?a=1?b"), "/p/q a=1?b");
  EXPECT_EQ(split("GET", "/p#f?x"), "/p ");
  EXPECT_EQ(split("GET", "/p?"), "/p ");
  EXPECT_EQ(split("GET", "http://host:8/p?q"), "/p q");
  EXPECT_EQ(split("GET", "http://host"), "/ ");
  EXPECT_EQ(split("GET", "http://host?q"), "/ q");
  EXPECT_EQ(split("GET", "/go?to=http://x/y"), "/go to=http://x/y");
  EXPECT_EQ(split("OPTIONS", "*"), "* ");
  EXPECT_EQ(split("CONNECT", "host:443"), "host:443 ");
}

std::string client_of(std::string_view name, std::string_view value) {
  HeaderList headers;
  headers.add(name, value);
  return std::string(forwarded_client(headers));
}

TEST(Http, NamesTheFirstHopOfForwardingFields) {
  EXPECT_EQ(client_of("X-Forwarded-For", "203.0.113.7, 10.0.0.1"), "203.0.113.7");
  EXPECT_EQ(client_of("x-forwarded-for", " 203.0.113.7:4000"), "203.0.113.7");
  EXPECT_EQ(client_of("X-Forwarded-For", "2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(client_of("Forwarded", "for=192.0.2.43, for=198.51.100.17"), "192.0.2.43");
  EXPECT_EQ(client_of("Forwarded", "proto=http; For=\"[2001:db8:cafe::17]:4711\";by=1"), "2001:db8:cafe::17");
  EXPECT_EQ(client_of("Forwarded", "for=_hidden"), "_hidden");
}

TEST(Http, NamesNoClientWhereTheFieldTellsNone) {
  EXPECT_EQ(client_of("X-Forwarded-For", "unknown"), "");
  EXPECT_EQ(client_of("X-Forwarded-For", ""), "");
  EXPECT_EQ(client_of("X-Forwarded-For", "<script>, 10.0.0.1"), "");
  EXPECT_EQ(client_of("X-Forwarded-For", std::string(100, 'a')), "");
  EXPECT_EQ(client_of("Forwarded", "by=10.0.0.1"), "");
  EXPECT_EQ(client_of("Forwarded", "for=[::1"), "");
}

TEST(Http, PrefersForwardedAndTellsItOfServersCallsOnly) {
  Call call;
  call.request_headers.add("x-forwarded-for", "10.0.0.1");
  call.request_headers.add("forwarded", "for=10.0.0.2");
  call.kind = Kind::client;
  add_client_address(call);
  EXPECT_TRUE(call.attributes.empty());
  call.kind = Kind::server;
  add_client_address(call);
  EXPECT_EQ(call.attributes.find("client.address"), "10.0.0.2");
}

}  // namespace
}  // namespace subfloor
