// SPDX-License-Identifier: Apache-2.0
#include "telemetry/routes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "telemetry/route_segment.h"
#include "telemetry/testing.h"

namespace subfloor {
namespace {

Call call_of(std::string path, std::optional<int> status = 200) {
  Call call;
  call.protocol = &testing::http1;
  call.path = std::move(path);
  call.status = status;
  return call;
}

std::string route(const std::string& path) { return std::string(Routes().of("shop", call_of(path))); }

// n in letters: words, as far as anybody can tell.
std::string word(std::size_t n) {
  std::string text = "w";
  for (std::size_t i = 0; i < 4; ++i, n /= 26) text += static_cast<char>('a' + n % 26);
  return text;
}

TEST(Routes, PutPlaceholdersForWhatIsObviouslyAValue) {
  EXPECT_EQ(route("/users/123/orders/9f3c41d2aa"), "/users/{id}/orders/{id}");
  EXPECT_EQ(route("/o/123e4567-e89b-12d3-a456-426614174000"), "/o/{id}");
  EXPECT_EQ(route("/o/01ARZ3NDEKTSV4RRFFQ69G5FAV"), "/o/{id}");
  EXPECT_EQ(route("/t/dGhpc0lzQVRlc3Q"), "/t/{id}");
  EXPECT_EQ(route("/t/cus_NffrFeUfNV2Hib"), "/t/{id}");
  EXPECT_EQ(route("/commit/deadbeefcafe"), "/commit/{id}");
  EXPECT_EQ(route("/commit/3f2a1b"), "/commit/{id}");
  EXPECT_EQ(route("/ORD-12345"), "/{id}");
  EXPECT_EQ(route("/hosts/10.0.0.1"), "/hosts/{id}");
  EXPECT_EQ(route("/days/2026-01-31/logs"), "/days/{date}/logs");
  EXPECT_EQ(route("/days/2026-01-31T12:34:56Z"), "/days/{date}");
  EXPECT_EQ(route("/people/ann@example.com"), "/people/{email}");
  EXPECT_EQ(route("/reset/correcthorsebatterystaple"), "/reset/{id}");
  EXPECT_EQ(route("/reset/" + std::string(4000, 'x')), "/reset/{rest}");
  EXPECT_EQ(route("/reset/" + std::string(41, 'x') + "/done"), "/reset/{id}/done");
  EXPECT_EQ(route("/caf%C3%A9/x"), "/{param}/x");
  EXPECT_EQ(route("/a=b/x"), "/{param}/x");
  EXPECT_EQ(route("/posts/how-to-cook-an-egg-at-home"), "/posts/{param}");
}

TEST(Routes, LeaveWordsAsTheyAre) {
  for (const char* path :
       {"/", "/api/v1/orders", "/oauth2/authorize", "/.well-known/openid-configuration", "/v1.2/getUserById",
        "/api/listAllTagsByUserId", "/sha256/x64", "/index.html", "/shop/checkout.php", "/robots.txt",
        "/wp-admin/admin-ajax.php", "/items:batchGet", "/@angular/core", "/en-US/about_us", "/OAuth2Callback"})
    EXPECT_EQ(route(path), path);
}

TEST(Routes, NameFilesByTheirKind) {
  EXPECT_EQ(route("/static/app.3f2a1b.js"), "/static/{file}.js");
  EXPECT_EQ(route("/favicon.ico"), "/{file}.ico");
  EXPECT_EQ(route("/reports/20260131.json"), "/reports/{id}.json");
  EXPECT_EQ(route("/reports/monthly.json"), "/reports/monthly.json");
}

TEST(Routes, HaveOneSpellingOfAPath) {
  EXPECT_EQ(route("/users/"), "/users");
  EXPECT_EQ(route("//users///7"), "/users/{id}");
  EXPECT_EQ(route("/cart;jsessionid=A1B2C3/items"), "/cart/items");
}

TEST(Routes, HaveNoneForWhatIsNoPath) {
  EXPECT_EQ(route(""), "");
  EXPECT_EQ(route("*"), "");
  EXPECT_EQ(route("http://example.com/x"), "");
}

TEST(Routes, EndWithRestWhereThePathGoesOnTooFar) {
  std::string path;
  for (int i = 0; i < 1000; ++i) path += "/a";
  EXPECT_EQ(route(path), "/a/a/a/a/a/a/a/a/a/a/{rest}");
  std::string wide;
  for (std::size_t i = 0; i < 6; ++i) wide += "/the-" + std::string(20, 'q') + "-thing";
  EXPECT_LE(route(wide).size(), Routes::longest_route);
  EXPECT_TRUE(route(wide).ends_with("/{rest}")) << route(wide);
}

TEST(Routes, LearnNothingFromPathsThatNobodyKnows) {
  Routes routes;
  for (const std::optional<int> status :
       {std::optional(404), std::optional(405), std::optional(400), std::optional<int>()})
    EXPECT_EQ(routes.of("shop", call_of("/phpmyadmin", status)), "");
  EXPECT_EQ(routes.counters().routes, 0U);
  EXPECT_EQ(routes.counters().services, 0U);
  EXPECT_EQ(routes.of("shop", call_of("/items/7")), "/items/{id}");
  EXPECT_EQ(routes.of("shop", call_of("/items/8", 404)), "/items/{id}") << "a known route that has no such item";
  EXPECT_EQ(routes.counters().refused, 0U);
}

TEST(Routes, StayWhatTheyAreForAsLongAsNothingIsMerged) {
  Routes routes;
  std::vector<std::pair<std::string, std::string>> known;
  for (std::size_t i = 0; i < 30; ++i) {
    const std::string path = "/" + word(i) + "/" + std::to_string(i);
    known.emplace_back(path, routes.of("shop", call_of(path)));
  }
  for (const auto& [path, before] : known) EXPECT_EQ(routes.of("shop", call_of(path)), before);
  EXPECT_EQ(routes.counters().merged, 0U);
  EXPECT_EQ(routes.counters().routes, 30U);
}

TEST(Routes, MergeAPlaceThatHasTooManyWordsAndSaySo) {
  Routes routes;
  for (std::size_t i = 0; i < 1000; ++i) (void)routes.of("shop", call_of("/users/" + word(i) + "/orders"));
  EXPECT_EQ(routes.of("shop", call_of("/users/" + word(0) + "/orders")), "/users/{param}/orders");
  EXPECT_EQ(routes.of("shop", call_of("/users/nobody/orders")), "/users/{param}/orders");
  EXPECT_EQ(routes.of("shop", call_of("/items/7")), "/items/{id}") << "other places are as they were";
  EXPECT_EQ(routes.counters().merged, 32U);
  EXPECT_EQ(routes.counters().routes, 2U);
  EXPECT_EQ(routes.counters().refused, 0U);
}

TEST(Routes, KeepAWordThatMuchOfTheTrafficHas) {
  Routes routes;
  for (int i = 0; i < 1000; ++i) (void)routes.of("shop", call_of("/checkout"));
  for (std::size_t i = 0; i < 1000; ++i) (void)routes.of("shop", call_of("/" + word(i)));
  EXPECT_EQ(routes.of("shop", call_of("/checkout")), "/checkout");
  EXPECT_EQ(routes.of("shop", call_of("/" + word(3))), "/{param}");
}

TEST(Routes, TellServicesApart) {
  Routes routes;
  for (std::size_t i = 0; i < 1000; ++i) (void)routes.of("shop", call_of("/" + word(i)));
  EXPECT_EQ(routes.of("shop", call_of("/x")), "/{param}");
  EXPECT_EQ(routes.of("blog", call_of("/x")), "/x");
}

TEST(Routes, HoldTheirBudgetWhateverComes) {
  Routes routes({.max_routes = 20, .max_services = 3});
  std::map<std::string, std::set<std::string>> seen;
  for (std::size_t i = 0; i < 20'000; ++i) {
    std::string path;
    for (std::size_t depth = 0; depth <= i % 5; ++depth) path += "/" + word(i * 7 + depth * i);
    const std::string service = "s" + std::to_string(i % 5);
    const std::string_view found = routes.of(service, call_of(path));
    if (!found.empty()) seen[service].insert(std::string(found));
  }
  EXPECT_EQ(seen.size(), 3U);
  for (const auto& [service, templates] : seen) EXPECT_LE(templates.size(), 20U) << service;
  EXPECT_GT(routes.counters().refused, 0U);
  EXPECT_EQ(routes.counters().services, 3U);
}

TEST(Routes, TakeOverAnotherBudget) {
  Routes routes({.max_routes = 1, .max_services = 1});
  EXPECT_EQ(routes.of("shop", call_of("/a")), "/a");
  EXPECT_EQ(routes.of("shop", call_of("/b")), "");
  routes.set_options({.max_routes = 2, .max_services = 1});
  EXPECT_EQ(routes.of("shop", call_of("/b")), "/b");
  routes.set_options({.max_routes = 1, .max_services = 1});
  EXPECT_EQ(routes.of("shop", call_of("/b")), "/b") << "what is there stays";
  EXPECT_EQ(routes.of("shop", call_of("/c")), "");
}

TEST(Routes, RetainNoValue) {
  for (const char* secret : {"hunter2-1234", "eyJhbGciOiJIUzI1NiJ9.e30.abc", "AKIAIOSFODNN7EXAMPLE", "aZ3kP9xQ1w",
                             "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "%73ecret", "key=value", "ann@example.com"}) {
    const std::string found = route(std::string("/reset/") + secret + "/now");
    EXPECT_EQ(found.find(secret), std::string::npos) << found;
    EXPECT_TRUE(found.starts_with("/reset/{")) << found;
  }
}

}  // namespace
}  // namespace subfloor
