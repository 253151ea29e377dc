// SPDX-License-Identifier: Apache-2.0
#include "agent/span_strategies.h"

#include <gtest/gtest.h>

namespace subfloor::agent {
namespace {

Process process(std::uint32_t pid, const char* executable) {
  Process process;
  process.pid = pid;
  process.start_time = 100 + pid;
  process.executable = executable;
  return process;
}

Call request(const char* method, const char* path) {
  Call call;
  call.kind = Kind::client;
  call.operation = method;
  call.path = path;
  return call;
}

TEST(SpanStrategies, LeaveOutAProcessThatExportsItsOwn) {
  SpanStrategies strategies({});
  const Process own = process(1, "/usr/bin/node"), other = process(2, "/usr/bin/node");
  EXPECT_TRUE(strategies.takes(request("GET", "/"), own, "shop"));
  EXPECT_FALSE(strategies.takes(request("POST", "/v1/traces"), own, "shop"));
  EXPECT_FALSE(strategies.takes(request("GET", "/"), own, "shop"));
  EXPECT_TRUE(strategies.takes(request("GET", "/"), other, "shop"));
  EXPECT_EQ(strategies.left_out(), 2U);
}

TEST(SpanStrategies, KnowAnExportByGrpc) {
  SpanStrategies strategies({});
  const char* const path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
  EXPECT_FALSE(strategies.takes(request("POST", path), process(1, "/a"), "a"));
  EXPECT_TRUE(strategies.exports_own(1));
}

// The collector serves such requests; it does not make them.
TEST(SpanStrategies, TakeNoServerForAnExporter) {
  SpanStrategies strategies({});
  Call served = request("POST", "/v1/traces");
  served.kind = Kind::server;
  EXPECT_TRUE(strategies.takes(served, process(1, "/a"), "a"));
  EXPECT_FALSE(strategies.exports_own(1));
}

TEST(SpanStrategies, TakeAPidThatWasGivenAgainForAnotherProcess) {
  SpanStrategies strategies({});
  Process own = process(1, "/a");
  EXPECT_FALSE(strategies.takes(request("POST", "/v1/traces"), own, "a"));
  own.start_time = 999;
  EXPECT_TRUE(strategies.takes(request("GET", "/"), own, "a"));
}

TEST(SpanStrategies, HeedWhatIsSaidOfAServiceOrAnExecutable) {
  SpanStrategies strategies({.strategy = SpanStrategy::off, .overrides = {"shop=hybrid", "nginx=ebpf"}, .keep = 0});
  EXPECT_TRUE(strategies.takes(request("POST", "/v1/traces"), process(1, "/usr/bin/node"), "shop"));
  EXPECT_TRUE(strategies.takes(request("GET", "/"), process(2, "/usr/sbin/nginx"), "edge"));
  EXPECT_FALSE(strategies.takes(request("GET", "/"), process(3, "/usr/bin/node"), "other"));
}

}  // namespace
}  // namespace subfloor::agent
