// SPDX-License-Identifier: Apache-2.0
#include "exporters/json/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "base/clock.h"
#include "exporters/json/json_writer.h"
#include "telemetry/testing.h"
#include "telemetry/windows.h"

namespace subfloor::json {
namespace {

using nlohmann::ordered_json;
using subfloor::testing::CollectedSpans;
using subfloor::testing::SampleCall;

ordered_json parsed(const SampleCall& call) {
  std::string line;
  append_json(line, call.observation());
  EXPECT_EQ(line.find('\n'), std::string::npos);
  return ordered_json::parse(line);
}

// What nlohmann makes of any bytes, U+FFFD for what is ill-formed: an implementation other than ours.
std::string reference(const std::string& bytes) {
  return nlohmann::json::parse(nlohmann::json(bytes).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
      .get<std::string>();
}

std::string ours(const std::string& bytes) {
  std::string out;
  append_string(out, bytes);
  return nlohmann::json::parse(out).get<std::string>();
}

TEST(JsonString, AgreesWithAnotherImplementationOnEveryPairOfBytes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string bytes{'a', static_cast<char>(first), static_cast<char>(second), 'z'};
      ASSERT_EQ(ours(bytes), reference(bytes)) << first << " " << second;
    }
  }
}

TEST(JsonString, AgreesWithAnotherImplementationOnRandomBytes) {
  std::mt19937 random(1);
  // Bytes that begin, continue, and break sequences, more often than chance would have them.
  const std::string interesting =
      "a\"\\\n\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xed\xef\xf0\xf1\xf4\xf5\xff";
  for (int i = 0; i < 50'000; ++i) {
    std::string bytes(random() % 12, '\0');
    for (char& c : bytes) c = interesting[random() % interesting.size()];
    ASSERT_EQ(ours(bytes), reference(bytes));
  }
}

TEST(JsonString, HasNoControlCharacters) {
  std::string out;
  append_string(out, std::string("\x1b[31m\0\x7f", 7));
  EXPECT_EQ(out, "\"\\u001b[31m\\u0000\\u007f\"");
}

TEST(JsonTime, AgreesWithTheClocksForm) {
  for (const Nanoseconds time : {0ULL, 951'782'399'999'999'999ULL, 951'782'400'000'000'000ULL,
                                 1'790'000'000'123'456'789ULL, 4'102'444'799'000'000'001ULL}) {
    std::string out;
    ObjectWriter object(out);
    object.time("t", time);
    EXPECT_EQ(out, "{\"t\":\"" + rfc3339(time) + "\"");
  }
}

TEST(JsonCall, HasTheKeysOfTheContract) {
  SampleCall call;
  Process client;
  client.pid = 99;
  client.executable = "/usr/bin/curl";
  call.peer = &client;
  call.parent_span_id = "00f067aa0ba902b7";
  call.process.language = Language::cpp;
  call.process.uid = 33;
  call.process.uid_known = true;
  call.call.request_body_bytes = 5;
  call.call.request_headers.add("Host", "localhost");
  call.call.request_headers.add("X-A", "1");
  call.call.request_headers.add("x-a", "2");
  call.call.response_headers.add("Server", "nginx");
  ordered_json json = parsed(call);
  EXPECT_EQ(json["time"], rfc3339(to_unix(call.call.start)));
  json.erase("time");
  EXPECT_EQ(json, ordered_json::parse(R"({
    "protocol": "http", "kind": "server", "duration_ns": 3000000, "time_to_first_byte_ns": 2000000,
    "trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331", "parent_span_id": "00f067aa0ba902b7",
    "partial": false,
    "http.request.method": "GET", "url.path": "/orders", "url.query": "page=2", "http.response.status_code": 200,
    "http.request.body.size": 5, "http.response.body.size": 612,
    "http.request.header.host": ["localhost"], "http.request.header.x-a": ["1", "2"],
    "http.response.header.server": ["nginx"], "url.scheme": "http",
    "network.protocol.name": "http", "network.protocol.version": "1.1", "network.transport": "tcp", "network.type": "ipv4",
    "network.peer.address": "127.0.0.2", "network.peer.port": 45678,
    "network.local.address": "127.0.0.1", "network.local.port": 80,
    "service.name": "nginx", "process.pid": 4242, "process.executable.name": "nginx",
    "process.executable.path": "/usr/sbin/nginx", "process.user.id": 33, "telemetry.sdk.language": "cpp",
    "peer.service": "curl", "peer.process.pid": 99, "peer.process.executable.name": "curl"
  })"));
}

TEST(JsonCall, WhoseHeadersWereNotKeptIsPartial) {
  SampleCall call;
  call.call.headers_kept = false;
  EXPECT_EQ(parsed(call)["partial_reasons"], ordered_json::parse(R"(["headers"])"));
}

TEST(JsonCall, LeavesOutWhatIsNotKnown) {
  SampleCall call;
  call.call = Call{};
  call.call.protocol = &testing::http1;
  call.call.partial = partial_joined_late | partial_no_response;
  call.connection = Connection{};
  call.process = Process{};
  call.process.pid = 7;
  ordered_json json = parsed(call);
  json.erase("time");
  EXPECT_EQ(json, ordered_json::parse(R"({
    "protocol": "http", "kind": "server", "duration_ns": 0, "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "span_id": "b7ad6b7169203331", "partial": true, "partial_reasons": ["joined_late", "no_response"],
    "http.request.body.size": 0, "url.scheme": "http", "network.protocol.name": "http", "network.transport": "tcp",
    "service.name": "unknown", "process.pid": 7
  })"));
}

TEST(JsonCall, OverAUnixSocketNamesItsPath) {
  SampleCall call;
  call.connection.transport = Transport::unix_stream;
  call.connection.unix_path = "/run/app.sock";
  const ordered_json json = parsed(call);
  EXPECT_EQ(json["network.transport"], "unix");
  EXPECT_EQ(json["network.peer.address"], "/run/app.sock");
  EXPECT_FALSE(json.contains("network.type"));
}

TEST(JsonCall, OfAnUnknownMethodKeepsTheOriginal) {
  SampleCall call;
  call.call.operation = "BREW";
  EXPECT_EQ(parsed(call)["http.request.method"], "_OTHER");
  EXPECT_EQ(parsed(call)["http.request.method_original"], "BREW");
}

TEST(JsonCall, SurvivesHostileBytesEverywhere) {
  std::mt19937 random(2);
  for (int i = 0; i < 2000; ++i) {
    const auto bytes = [&] {
      std::string text(random() % 20, '\0');
      for (char& c : text) c = static_cast<char>(random());
      return text;
    };
    SampleCall call;
    call.call.path = "/" + bytes();
    call.call.query = "q" + bytes();
    call.call.operation = "M" + bytes();
    call.process.executable = "/" + bytes();
    call.process.comm = bytes();
    const std::string value = bytes();
    call.call.request_headers.add("h", value);
    call.call.request_headers.add("H" + bytes(), "x");
    const ordered_json json = parsed(call);
    ASSERT_EQ(json["url.path"], reference(call.call.path));
    ASSERT_EQ(json["url.query"], reference(call.call.query));
    ASSERT_EQ(json["http.request.header.h"][0], reference(value));
  }
}

TEST(JsonSpan, CarriesItsWindow) {
  CollectedSpans sink;
  Windows windows({}, 1'000'000'000, sink);
  windows.add(SampleCall().observation());
  windows.add(SampleCall().lasting(9'000'000).observation());
  windows.close(6'000'000'000, 0.75);
  std::string line;
  append_json(line, sink.spans.at(0));
  const auto json = ordered_json::parse(line);
  EXPECT_EQ(json["name"], "GET");
  EXPECT_EQ(json["count"], 2);
  EXPECT_EQ(json["duration.min_ns"], 3'000'000);
  EXPECT_EQ(json["duration.max_ns"], 9'000'000);
  EXPECT_EQ(json["duration.bucket_counts"].size(), json["duration.bounds_ns"].size() + 1);
  EXPECT_EQ(json["url.path"], "/orders");
  EXPECT_EQ(json["http.response.status_code"], 200);
  EXPECT_EQ(json["completeness"], 0.75);
  EXPECT_EQ(json["status"], "unset");
  EXPECT_EQ(json["window.end"], rfc3339(to_unix(6'000'000'000)));
}

TEST(JsonCall, SaysNothingOfAProcessThatNobodyKnows) {
  SampleCall call;
  call.call.pid = 0;
  call.process = {};
  std::string line;
  append_json(line, call.observation(), 1'700'000'000'123'456'789);
  const auto json = ordered_json::parse(line);
  for (const auto& [key, value] : json.items())
    EXPECT_FALSE(key.starts_with("process.") || key.starts_with("service.") || key.starts_with("peer.")) << key;
  EXPECT_EQ(json["time"], "2023-11-14T22:13:20.123456789Z");
}

}  // namespace
}  // namespace subfloor::json
