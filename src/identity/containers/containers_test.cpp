// SPDX-License-Identifier: Apache-2.0
#include "identity/containers/containers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace subfloor::identity {
namespace {

using ::testing::ElementsAre;

constexpr Nanoseconds second = 1'000'000'000;

Workload::Ip ip(std::uint8_t last) { return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last}; }

Workload container(const std::string& id, const std::string& pod, std::uint8_t address = 0) {
  Workload workload;
  workload.container_id = id;
  workload.sandbox_id = "sandbox-of-" + pod;
  workload.pod_name = pod;
  if (address != 0) workload.addresses = {ip(address)};
  return workload;
}

struct Asked {
  std::vector<std::string> ids;
  Containers containers;
  explicit Asked(const Containers::Limits& limits = Containers::Limits()) : containers(limits) {
    containers.set_ask([this](const std::string& id) { ids.push_back(id); });
  }
};

TEST(Containers, AsksOnceAboutEach) {
  Asked asked;
  asked.containers.want("a", 1);
  asked.containers.want("a", 2);
  asked.containers.want("", 3);
  asked.containers.want("b", 4);
  EXPECT_THAT(asked.ids, ElementsAre("a", "b"));
  EXPECT_EQ(asked.containers.find("a"), nullptr);
}

TEST(Containers, AsksNobodyWhereThereIsNobody) {
  Containers containers;
  containers.want("a", 1);
  EXPECT_EQ(containers.size(), 0U);
}

TEST(Containers, SaysByItsGenerationThatAnswersHaveChanged) {
  Asked asked;
  const auto before = asked.containers.generation();
  asked.containers.want("a", 1);
  EXPECT_EQ(asked.containers.generation(), before);
  asked.containers.learn({container("a", "web-1", 1)}, 2);
  EXPECT_NE(asked.containers.generation(), before);
  ASSERT_NE(asked.containers.find("a"), nullptr);
  EXPECT_EQ(asked.containers.find("a")->pod_name, "web-1");
  const auto after = asked.containers.generation();
  asked.containers.learn({container("a", "web-1", 1)}, 3);
  EXPECT_EQ(asked.containers.generation(), after) << "the same again is no news";
}

TEST(Containers, RemembersOneThatEndedForAWhile) {
  Asked asked({.containers = 10, .grace = 10 * second, .addresses = 10});
  asked.containers.learn({container("a", "web-1", 1)}, second);
  asked.containers.on_removed("a", 2 * second);
  asked.containers.on_removed("a", 3 * second);  // of another hierarchy
  asked.containers.expire(12 * second);
  EXPECT_NE(asked.containers.find("a"), nullptr);
  asked.containers.expire(12 * second + 1);
  EXPECT_EQ(asked.containers.find("a"), nullptr);
  EXPECT_EQ(asked.containers.named(), 0U);
}

TEST(Containers, KeepsNoMoreThanItMay) {
  Asked asked({.containers = 3, .grace = second, .addresses = 2});
  for (const std::string id : {"a", "b", "c"}) asked.containers.learn({container(id, "pod-" + id)}, 1);
  asked.containers.on_removed("b", 2);
  asked.containers.want("d", 3);
  EXPECT_EQ(asked.containers.find("b"), nullptr) << "who has ended goes first";
  EXPECT_NE(asked.containers.find("a"), nullptr);
  asked.containers.want("e", 4);
  EXPECT_EQ(asked.containers.find("a"), nullptr) << "then the oldest";
  for (int i = 0; i < 1000; ++i) asked.containers.want(std::to_string(i), 5);
  EXPECT_EQ(asked.containers.size(), 3U);
  for (std::uint8_t i = 1; i < 100; ++i)
    asked.containers.learn({container("x" + std::to_string(i), "p" + std::to_string(i), i)}, 6);
  EXPECT_EQ(asked.containers.size(), 3U);
  EXPECT_EQ(asked.containers.named(), 3U);
}

TEST(Containers, KnowThePodOfAnAddressAndNotWhichOfItsContainers) {
  Asked asked;
  asked.containers.learn({container("a", "web-1", 1), container("b", "web-1", 1)}, 1);
  const WorkloadRef at = asked.containers.at(ip(1));
  ASSERT_NE(at, nullptr);
  EXPECT_EQ(at->pod_name, "web-1");
  EXPECT_EQ(at->container_id, "");
  EXPECT_EQ(asked.containers.at(ip(2)), nullptr);
  asked.containers.learn({container("c", "web-2", 1)}, 2);
  EXPECT_EQ(asked.containers.at(ip(1))->pod_name, "web-2") << "the address is another's now";
}

}  // namespace
}  // namespace subfloor::identity
