// SPDX-License-Identifier: Apache-2.0
#include "telemetry/service_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "telemetry/testing.h"

namespace subfloor {
namespace {

using ::subfloor::testing::ipv4;
using ::testing::SizeIs;

constexpr Nanoseconds second = 1'000'000'000;

WorkloadRef pod(const std::string& name_space, const std::string& name) {
  auto workload = std::make_shared<Workload>();
  workload->container_id = "c-" + name;
  workload->pod_name = name;
  workload->pod_namespace = name_space;
  return workload;
}

// A call between two ends, each seen by name.
struct Talk {
  testing::SampleCall sample;
  std::string client, server;
  WorkloadRef client_pod, server_pod;

  // As that end tells it; `peer_known`: whether it knows the other.
  [[nodiscard]] Observation as(Kind kind, bool peer_known = true) {
    sample.call.kind = kind;
    const bool at_client = kind == Kind::client;
    return {.call = sample.call,
            .connection = sample.connection,
            .process = sample.process,
            .peer = nullptr,
            .trace_id = sample.trace_id,
            .span_id = sample.span_id,
            .parent_span_id = {},
            .service = at_client ? client : server,
            .workload = at_client ? client_pod : server_pod,
            .peer_workload = !peer_known ? no_workload
                             : at_client ? server_pod
                                         : client_pod,
            .peer_service = !peer_known ? std::string_view{}
                            : at_client ? server
                                        : client};
  }
};

Talk web_to_api() {
  return {.sample = {},
          .client = "web",
          .server = "api",
          .client_pod = pod("shop", "web-1"),
          .server_pod = pod("shop", "api-1")};
}

struct Map {
  ServiceMap map;
  explicit Map(std::size_t edges = 100) : map({.max_edges = edges}, 0) {}
  std::vector<MapEdge> edges(MapBy by = MapBy::service, Nanoseconds now = second) {
    return map.snapshot(now, by, 1000).edges;
  }
};

TEST(ServiceMap, CountsACallThatBothEndsSawOnce) {
  Map map;
  Talk talk = web_to_api();
  for (int i = 0; i < 3; ++i) {
    map.map.add(talk.as(Kind::client));
    map.map.add(talk.as(Kind::server));
  }
  const auto edges = map.edges();
  ASSERT_THAT(edges, SizeIs(1));
  EXPECT_EQ(edges[0].client.name, "web");
  EXPECT_EQ(edges[0].client.name_space, "shop");
  EXPECT_EQ(edges[0].client.pod, "web-1");
  EXPECT_EQ(edges[0].server.name, "api");
  EXPECT_EQ(edges[0].server.kind, MapNode::Kind::pod);
  EXPECT_EQ(edges[0].protocol, "http");
  EXPECT_EQ(edges[0].calls, 3U);
  EXPECT_EQ(edges[0].total_calls, 3U);
  EXPECT_TRUE(edges[0].seen_by_client && edges[0].seen_by_server);
  ASSERT_TRUE(edges[0].durations);
  EXPECT_NEAR(static_cast<double>(edges[0].durations->p50), 3e6, 2e5);
}

TEST(ServiceMap, TakesTheSideThatSawMore) {
  Map map;
  Talk talk = web_to_api();
  map.map.add(talk.as(Kind::client));
  for (int i = 0; i < 5; ++i) map.map.add(talk.as(Kind::server));
  ASSERT_THAT(map.edges(), SizeIs(1));
  EXPECT_EQ(map.edges()[0].calls, 5U) << "of some calls, the client could not be read";
}

TEST(ServiceMap, CountsFailuresAsTheirSideSeesThem) {
  Map map;
  Talk talk = web_to_api();
  talk.sample.call.status = 404;
  map.map.add(talk.as(Kind::client));
  talk.sample.call.status = 500;
  map.map.add(talk.as(Kind::client));
  EXPECT_EQ(map.edges()[0].errors, 2U);
}

TEST(ServiceMap, NamesEndsElsewhereByNameElseByAddress) {
  Map map;
  Talk talk = web_to_api();
  talk.sample.connection.remote = ipv4(192, 0, 2, 1, 5432);
  map.map.add(talk.as(Kind::client, false));
  Observation named = talk.as(Kind::client, false);
  named.server_name = "db.example.com";
  map.map.add(named);
  map.map.add(talk.as(Kind::server, false));
  std::vector<std::string> ends;
  for (const MapEdge& edge : map.edges())
    ends.push_back(edge.client.name + ">" + edge.server.name + " " + std::string(to_string(edge.server.kind)));
  EXPECT_THAT(ends, ::testing::UnorderedElementsAre("web>192.0.2.1:5432 address", "web>db.example.com host",
                                                    "192.0.2.1>api pod"));
}

TEST(ServiceMap, AddsThePodsOfAServiceUpOrTellsThemApart) {
  Map map;
  for (const char* name : {"api-1", "api-2"}) {
    Talk talk = web_to_api();
    talk.server_pod = pod("shop", name);
    map.map.add(talk.as(Kind::client));
  }
  const auto edges = map.edges();
  ASSERT_THAT(edges, SizeIs(1));
  EXPECT_EQ(edges[0].calls, 2U);
  EXPECT_EQ(edges[0].server.pods, 2U);
  EXPECT_EQ(edges[0].server.pod, "");
  EXPECT_THAT(map.edges(MapBy::pod), SizeIs(2));
}

TEST(ServiceMap, TellsOfTheLastMinute) {
  Map map;
  Talk talk = web_to_api();
  map.map.add(talk.as(Kind::client));
  map.map.tick(30 * second);
  map.map.add(talk.as(Kind::client));
  EXPECT_EQ(map.edges(MapBy::service, 30 * second)[0].calls, 2U);
  map.map.tick(61 * second);
  EXPECT_EQ(map.edges(MapBy::service, 61 * second)[0].calls, 1U);
  EXPECT_EQ(map.edges(MapBy::service, 61 * second)[0].total_calls, 2U);
  map.map.tick(1000 * second);
  EXPECT_THAT(map.edges(MapBy::service, 1000 * second), SizeIs(0));
}

TEST(ServiceMap, KeepsNoMoreEdgesThanItMayAndCountsTheRest) {
  Map map(100);
  Talk talk = web_to_api();
  for (int i = 0; i < 1000; ++i) {
    talk.client = "client-" + std::to_string(i);
    map.map.add(talk.as(Kind::client));
  }
  EXPECT_EQ(map.map.edges(), 100U);
  EXPECT_EQ(map.map.merged_calls(), 900U);
  EXPECT_EQ(map.map.snapshot(second, MapBy::service, 1000).other_calls, 900U);
}

TEST(ServiceMap, TellsAddressesApartOnlyWhileThereIsRoom) {
  Map map(100);
  Talk talk = web_to_api();
  for (int i = 0; i < 1000; ++i) {
    talk.sample.connection.remote = ipv4(10, 1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i), 99);
    map.map.add(talk.as(Kind::server, false));
  }
  EXPECT_EQ(map.map.edges(), 76U) << "75, and one for all others";
  EXPECT_EQ(map.map.merged_calls(), 0U);
}

TEST(ServiceMap, KeepsNothingWhenItIsOff) {
  Map map(0);
  map.map.add(web_to_api().as(Kind::client));
  EXPECT_FALSE(map.map.on());
  EXPECT_EQ(map.map.edges(), 0U);
}

std::uint64_t graph_calls(const ServiceMap& map) {
  std::vector<MetricFamily> families;
  map.append_metrics(families);
  std::uint64_t sum = 0;
  for (const MetricFamily& family : families) {
    if (family.name != "traces_service_graph_request") continue;
    for (const MetricPoint& point : family.points) sum += std::get<std::uint64_t>(point.value);
  }
  return sum;
}

TEST(ServiceMap, BecomesMetricsByServiceWithoutAddresses) {
  Map map;
  Talk talk = web_to_api();
  map.map.add(talk.as(Kind::client));
  map.map.add(talk.as(Kind::server));
  talk.sample.connection.remote = ipv4(192, 0, 2, 1, 5432);
  map.map.add(talk.as(Kind::server, false));
  std::vector<MetricFamily> families;
  map.map.append_metrics(families);
  std::vector<std::string> clients;
  for (const MetricFamily& family : families) {
    for (const MetricPoint& point : family.points) {
      EXPECT_EQ(point.labels[0].name, "client");
      if (family.name == "traces_service_graph_request") clients.push_back(point.labels[0].value);
    }
  }
  EXPECT_THAT(clients, ::testing::UnorderedElementsAre("web", "{other}"));
  EXPECT_EQ(graph_calls(map.map), 2U);
}

TEST(ServiceMap, LetsNoCounterFallWhenAnEdgeIsForgotten) {
  Map map(10);
  Talk talk = web_to_api();
  for (int i = 0; i < 8; ++i) {
    talk.client_pod = pod("shop", "web-" + std::to_string(i));
    map.map.add(talk.as(Kind::client));
  }
  for (Nanoseconds now = 0; now < 1000 * second; now += second) map.map.tick(now);
  EXPECT_EQ(map.map.edges(), 0U);
  EXPECT_EQ(graph_calls(map.map), 8U);
}

}  // namespace
}  // namespace subfloor
