// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace subfloor::prometheus {
namespace {

constexpr const char* loopback = "127.0.0.1";

std::unique_ptr<PrometheusServer> started(PrometheusServer::Snapshot snapshot) {
  auto server = PrometheusServer::make(loopback, 0, std::move(snapshot));
  EXPECT_TRUE(server) << server.error().message;
  EXPECT_TRUE((*server)->serve());
  return std::move(*server);
}

httplib::Result get(const PrometheusServer& server, const char* path) {
  return httplib::Client(loopback, server.port()).Get(path);
}

int server_threads() {
  int count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    count += name.starts_with("prometheus/") ? 1 : 0;
  }
  return count;
}

TEST(PrometheusServer, ServesTheSnapshot) {
  const auto server = started([] { return "a 1\n"; });
  const auto response = get(*server, "/metrics");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "a 1\n");
  EXPECT_EQ(response->get_header_value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
}

TEST(PrometheusServer, IsHealthyAtOnceAndReadyWhenTold) {
  const auto server = started([] { return ""; });
  EXPECT_EQ(get(*server, "/healthz")->status, 200);
  EXPECT_EQ(get(*server, "/readyz")->status, 503);
  server->set_ready(true);
  EXPECT_EQ(get(*server, "/readyz")->status, 200);
  server->set_ready(false);
  EXPECT_EQ(get(*server, "/readyz")->status, 503);
}

TEST(PrometheusServer, AnswersOtherPathsAndMethodsWithErrors) {
  const auto server = started([] { return ""; });
  EXPECT_EQ(get(*server, "/")->status, 200);
  EXPECT_EQ(get(*server, "/metrics/x")->status, 404);
  EXPECT_EQ(get(*server, "/favicon.ico")->status, 404);
  EXPECT_EQ(httplib::Client(loopback, server->port()).Delete("/metrics")->status, 405);
}

TEST(PrometheusServer, AnswersThatItIsTooBusyWhenThereIsNoSnapshot) {
  const auto none = started([]() -> std::optional<std::string> { return std::nullopt; });
  EXPECT_EQ(get(*none, "/metrics")->status, 503);
  const auto throwing = started([]() -> std::optional<std::string> { throw std::runtime_error("x"); });
  EXPECT_EQ(get(*throwing, "/metrics")->status, 503);
}

TEST(PrometheusServer, NamesAddressAndCauseWhenThePortIsTaken) {
  const auto first = started([] { return ""; });
  const auto second = PrometheusServer::make(loopback, first->port(), [] { return ""; });
  ASSERT_FALSE(second) << "two servers share a port";
  EXPECT_EQ(second.error().code, EADDRINUSE);
  EXPECT_THAT(second.error().message, ::testing::HasSubstr("127.0.0.1:" + std::to_string(first->port())));
  EXPECT_THAT(second.error().message, ::testing::HasSubstr("EADDRINUSE"));
}

TEST(PrometheusServer, NamesAnAddressThatIsNotOurs) {
  const auto server = PrometheusServer::make("192.0.2.1", 9464, [] { return ""; });
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, EADDRNOTAVAIL) << server.error().message;
}

TEST(PrometheusServer, AnswersHealthWhileASnapshotIsBeingMadeAndUsesTwoThreads) {
  std::mutex mutex;
  std::condition_variable changed;
  bool inside = false, go_on = false;
  const auto server = started([&]() -> std::optional<std::string> {
    std::unique_lock lock(mutex);
    inside = true;
    changed.notify_all();
    changed.wait(lock, [&] { return go_on; });
    return "late";
  });
  std::string late;
  std::thread scraper([&] { late = get(*server, "/metrics")->body; });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return inside; });
  }
  EXPECT_EQ(get(*server, "/healthz")->status, 200);
  EXPECT_EQ(server_threads(), 2);
  {
    const std::lock_guard lock(mutex);
    go_on = true;
    changed.notify_all();
  }
  scraper.join();
  EXPECT_EQ(late, "late");
}

TEST(PrometheusServer, StopsAndFreesItsPort) {
  auto first = started([] { return ""; });
  const std::uint16_t port = first->port();
  first.reset();
  const auto second = PrometheusServer::make(loopback, port, [] { return ""; });
  EXPECT_TRUE(second) << second.error().message;
}

TEST(PrometheusServer, FreesAPortWhereItNeverServed) {
  std::uint16_t port = 0;
  {
    const auto server = PrometheusServer::make(loopback, 0, [] { return ""; });
    ASSERT_TRUE(server);
    port = (*server)->port();
  }
  EXPECT_TRUE(PrometheusServer::make(loopback, port, [] { return ""; }));
}

}  // namespace
}  // namespace subfloor::prometheus
