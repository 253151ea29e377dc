// SPDX-License-Identifier: Apache-2.0
#include "telemetry/redaction.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace subfloor {
namespace {

std::string redacted_query(std::string query) {
  Call call;
  call.query = std::move(query);
  Redactor().apply(call);
  return call.query;
}

std::string redacted_path(std::string path) {
  Call call;
  call.path = std::move(path);
  Redactor().apply(call);
  return call.path;
}

TEST(Redaction, TakesOutTheValuesOfSecretHeadersWhateverTheirCase) {
  Call call;
  call.request_headers.add("AUTHORIZATION", "Bearer s3cr3t");
  call.request_headers.add("cookie", "id=s3cr3t");
  call.request_headers.add("x-ApI-kEy", "s3cr3t");
  call.request_headers.add("Proxy-Authorization", "Basic s3cr3t");
  call.request_headers.add("Accept", "text/html");
  call.response_headers.add("Set-Cookie", "id=s3cr3t");
  call.response_headers.add("Server", "nginx");
  Redactor().apply(call);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(call.request_headers[i].value, "[redacted]") << i;
  EXPECT_EQ(call.request_headers[4].value, "text/html");
  EXPECT_EQ(call.response_headers[0].value, "[redacted]");
  EXPECT_EQ(call.response_headers[1].value, "nginx");
}

TEST(Redaction, TakesOutEveryFieldOfAName) {
  Call call;
  call.response_headers.add("Set-Cookie", "a=1");
  call.response_headers.add("Set-Cookie", "b=2");
  Redactor().apply(call);
  EXPECT_EQ(call.response_headers[0].value, "[redacted]");
  EXPECT_EQ(call.response_headers[1].value, "[redacted]");
}

TEST(Redaction, TakesOutTheValuesOfSecretQueryKeys) {
  EXPECT_EQ(redacted_query("page=2&token=abc&x=y"), "page=2&token=[redacted]&x=y");
  EXPECT_EQ(redacted_query("PassWord=abc"), "PassWord=[redacted]");
  EXPECT_EQ(redacted_query("token=a&token=b"), "token=[redacted]&token=[redacted]");
  EXPECT_EQ(redacted_query("token=a=b==&z=1"), "token=[redacted]&z=1");
  EXPECT_EQ(redacted_query("token=what?else&z=1"), "token=[redacted]&z=1");
  EXPECT_EQ(redacted_query("a=1;api_key=abc"), "a=1;api_key=[redacted]");
}

TEST(Redaction, SeesThroughPercentEncodingAndBracketsOfKeys) {
  EXPECT_EQ(redacted_query("%74oken=abc"), "%74oken=[redacted]");
  EXPECT_EQ(redacted_query("pass%77ORD=abc"), "pass%77ORD=[redacted]");
  EXPECT_EQ(redacted_query("user[password]=abc"), "user[password]=[redacted]");
  EXPECT_EQ(redacted_query("user%5Bpassword%5D=abc"), "user%5Bpassword%5D=[redacted]");
  EXPECT_EQ(redacted_query("token[]=abc"), "token[]=[redacted]");
  EXPECT_EQ(redacted_query("%20token%20=abc"), "%20token%20=[redacted]");
  EXPECT_EQ(redacted_query("toke%6"), "toke%6");
}

TEST(Redaction, LeavesOtherParametersAlone) {
  for (const char* query : {"", "page=2", "token", "token=", "mytoken=1", "tokens=1", "&&=&", "a=token", "%", "=x"}) {
    EXPECT_EQ(redacted_query(query), query);
  }
}

TEST(Redaction, TakesOutUserInformationOfTargets) {
  EXPECT_EQ(redacted_path("http://bob:pw@example.org/a"), "http://[redacted]@example.org/a");
  EXPECT_EQ(redacted_path("http://bob@example.org"), "http://[redacted]@example.org");
  EXPECT_EQ(redacted_path("bob:p@w@example.org:443"), "[redacted]@example.org:443");
  EXPECT_EQ(redacted_path("http://example.org/@bob"), "http://example.org/@bob");
  EXPECT_EQ(redacted_path("/users/@bob"), "/users/@bob");
  EXPECT_EQ(redacted_path("*"), "*");
}

TEST(Redaction, TakesOutSecretPathParameters) {
  EXPECT_EQ(redacted_path("/shop;jsessionid=8F3A"), "/shop;jsessionid=[redacted]");
  EXPECT_EQ(redacted_path("/shop;color=red"), "/shop;color=red");
}

TEST(Redaction, TakesOutSecretsOfUrlsInHeaders) {
  Call call;
  call.request_headers.add("Referer", "https://bob:pw@example.org/in?code=abc&state=1#access_token=xyz");
  call.response_headers.add("Location", "/in?next=/a&token=abc");
  call.response_headers.add("location", "/plain");
  Redactor().apply(call);
  EXPECT_EQ(call.request_headers[0].value,
            "https://[redacted]@example.org/in?code=[redacted]&state=1#access_token=[redacted]");
  EXPECT_EQ(call.response_headers[0].value, "/in?next=/a&token=[redacted]");
  EXPECT_EQ(call.response_headers[1].value, "/plain");
}

TEST(Redaction, LeavesNoOldBytesInTheBuffersOfTheCall) {
  Call call;
  call.query.reserve(256);
  call.query = "token=TOPSECRETTOPSECRETTOPSECRETTOPSECRET";
  call.request_headers.add("Cookie", "TOPSECRET");
  const char* const buffer = call.query.data();
  Redactor().apply(call);
  ASSERT_EQ(call.query.data(), buffer);
  call.query.resize(call.query.size());
  const std::string_view all(call.query.data(), call.query.size());
  EXPECT_EQ(all, "token=[redacted]");
  // What lies behind the text, up to the capacity, was cleared: make it readable by growing without writing.
  const std::size_t size = call.query.size();
  const std::string before(call.query.data() + size + 1, 20);
  EXPECT_EQ(before, std::string(20, '\0'));
  // The header's old bytes lie between its name and the replacement, in one block.
  const char* const name = call.request_headers[0].name.data();
  const std::string block(name, static_cast<std::size_t>(call.request_headers[0].value.data() - name));
  EXPECT_EQ(block.find("TOPSECRET"), std::string::npos);
}

TEST(Redaction, ListsAreTheUsersToChange) {
  RedactionOptions options;
  options.headers = {"X-Mine"};
  options.query_keys = {"pin"};
  Call call;
  call.query = "PIN=1234&token=abc";
  call.request_headers.add("x-mine", "v");
  call.request_headers.add("Cookie", "v");
  Redactor(options).apply(call);
  EXPECT_EQ(call.query, "PIN=[redacted]&token=abc");
  EXPECT_EQ(call.request_headers[0].value, "[redacted]");
  EXPECT_EQ(call.request_headers[1].value, "v");
}

TEST(Redaction, EmptyListsRedactNothing) {
  Call call;
  call.query = "token=abc";
  call.request_headers.add("", "v");
  Redactor(RedactionOptions{{}, {}}).apply(call);
  EXPECT_EQ(call.query, "token=abc");
  EXPECT_EQ(call.request_headers[0].value, "v");
}

}  // namespace
}  // namespace subfloor
