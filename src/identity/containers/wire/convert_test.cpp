// SPDX-License-Identifier: Apache-2.0
#include "identity/containers/wire/convert.h"

#include <gtest/gtest.h>

namespace subfloor::identity {
namespace {

runtime::v1::PodSandboxStatus sandbox() {
  runtime::v1::PodSandboxStatus status;
  status.set_id("s1");
  status.mutable_metadata()->set_name("web-5f6d9c7b8-x2x4z");
  status.mutable_metadata()->set_namespace_("shop");
  status.mutable_metadata()->set_uid("u1");
  (*status.mutable_labels())["pod-template-hash"] = "5f6d9c7b8";
  (*status.mutable_labels())["app"] = "web";
  status.mutable_network()->set_ip("10.0.0.7");
  status.mutable_network()->add_additional_ips()->set_ip("fd00::7");
  status.mutable_network()->add_additional_ips()->set_ip("nonsense");
  return status;
}

TEST(Cri, TellsOfAPodAndItsContainer) {
  runtime::v1::Container container;
  container.set_id("c1");
  container.mutable_metadata()->set_name("httpd");
  container.mutable_image()->set_image("sha256:1234");
  container.mutable_image()->set_user_specified_image("docker.io/library/httpd:2");
  const Workload workload = container_of(container, pod_of(sandbox()));
  EXPECT_EQ(workload.container_id, "c1");
  EXPECT_EQ(workload.sandbox_id, "s1");
  EXPECT_EQ(workload.container_name, "httpd");
  EXPECT_EQ(workload.image, "docker.io/library/httpd:2");
  EXPECT_EQ(workload.pod_name, "web-5f6d9c7b8-x2x4z");
  EXPECT_EQ(workload.pod_namespace, "shop");
  EXPECT_EQ(workload.pod_uid, "u1");
  EXPECT_EQ(workload.owner, (Workload::Owner{"deployment", "web"}));
  EXPECT_EQ(workload.label("app"), "web");
  ASSERT_EQ(workload.addresses.size(), 2U);
  EXPECT_EQ(workload.addresses[0], (Workload::Ip{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 7}));
  EXPECT_EQ(workload.addresses[1][15], 7);
}

TEST(Cri, BoundsWhatAnybodyMayChoose) {
  runtime::v1::PodSandboxStatus status = sandbox();
  for (int i = 0; i < 1000; ++i) (*status.mutable_labels())["k" + std::to_string(i)] = std::string(10'000, 'x');
  for (int i = 0; i < 1000; ++i) status.mutable_network()->add_additional_ips()->set_ip("10.0.0.7");
  status.mutable_metadata()->set_name(std::string(10'000, 'n'));
  const Workload pod = pod_of(status);
  EXPECT_EQ(pod.labels.size(), max_labels);
  for (const auto& [key, value] : pod.labels) EXPECT_LE(value.size(), max_text) << key;
  EXPECT_EQ(pod.pod_name.size(), max_text);
  EXPECT_LE(pod.addresses.size(), 8U);
}

}  // namespace
}  // namespace subfloor::identity
