// SPDX-License-Identifier: Apache-2.0
#include "model/workload.h"

#include <gtest/gtest.h>

namespace subfloor {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

std::string owner(std::string_view pod, const Labels& labels) {
  const Workload::Owner found = owner_of(pod, labels);
  return found.name.empty() ? "" : std::string(found.kind) + "/" + found.name;
}

TEST(Owner, IsReadOffNamesThatControllersMake) {
  EXPECT_EQ(owner("web-5f6d9c7b8-x2x4z", {{"pod-template-hash", "5f6d9c7b8"}}), "deployment/web");
  EXPECT_EQ(owner("my-web-app-5f6d9c7b8-x2x4z", {{"pod-template-hash", "5f6d9c7b8"}}), "deployment/my-web-app");
  EXPECT_EQ(owner("db-12", {{"statefulset.kubernetes.io/pod-name", "db-12"}}), "statefulset/db");
  EXPECT_EQ(owner("logs-x2x4z", {{"controller-revision-hash", "7d4f"}}), "daemonset/logs");
  EXPECT_EQ(owner("report-28-x2x4z", {{"batch.kubernetes.io/job-name", "report-28"}}), "job/report-28");
  EXPECT_EQ(owner("report-28-x2x4z", {{"job-name", "report-28"}}), "job/report-28");
}

TEST(Owner, IsNotGuessed) {
  EXPECT_EQ(owner("web-5f6d9c7b8-x2x4z", {}), "");
  EXPECT_EQ(owner("web", {{"pod-template-hash", "5f6d9c7b8"}}), "");
  EXPECT_EQ(owner("web-5f6d9c7b8-x2x4z", {{"pod-template-hash", "another"}}), "");
  EXPECT_EQ(owner("-5f6d9c7b8-x2x4z", {{"pod-template-hash", "5f6d9c7b8"}}), "");
  EXPECT_EQ(owner("web-5f6d9c7b8-x2", {{"pod-template-hash", "5f6d9c7b8"}}), "");
  EXPECT_EQ(owner("-0", {{"statefulset.kubernetes.io/pod-name", "-0"}}), "");
  EXPECT_EQ(owner("", {{"controller-revision-hash", "7d4f"}}), "");
}

TEST(Workload, FindsALabelByItsKey) {
  Workload workload;
  workload.labels = {{"app", "web"}, {"tier", "front"}};
  EXPECT_EQ(workload.label("tier"), "front");
  EXPECT_EQ(workload.label("b"), "");
  EXPECT_EQ(workload.label("zone"), "");
}

}  // namespace
}  // namespace subfloor
