// SPDX-License-Identifier: Apache-2.0
#include "identity/process/container_id.h"

#include <gtest/gtest.h>

namespace subfloor::identity {
namespace {

const std::string a = "7be92808767a667f35c8505cbf40d14e931ef6db5b0210329cf193b15ba9d605";
const std::string b = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
const std::string pod = "kubepods-burstable-pod2c48913c_b29f_11e7_9350_020968147796.slice";
const std::string pod_dir = "pod2c48913c-b29f-11e7-9350-020968147796";

struct Case {
  const char* what;
  std::string path, id;
};

TEST(ContainerId, IsFoundInThePathsThatRuntimesMake) {
  const Case cases[] = {
      {"Docker, cgroupfs", "/docker/" + a, a},
      {"Docker, systemd", "/system.slice/docker-" + a + ".scope", a},
      {"Docker, a cgroup inside the container", "/docker/" + a + "/init.scope", a},
      {"Docker, another parent", "/my.slice/docker-" + a + ".scope/system.slice/x.service", a},
      {"containerd by nerdctl", "/default/" + a, a},
      {"containerd by nerdctl, systemd", "/system.slice/nerdctl-" + a + ".scope", a},
      {"containerd's k8s namespace", "/k8s.io/" + a, a},
      {"kubepods, cgroupfs", "/kubepods/burstable/" + pod_dir + "/" + a, a},
      {"kubepods guaranteed, cgroupfs", "/kubepods/" + pod_dir + "/" + a, a},
      {"kubepods, containerd, systemd",
       "/kubepods.slice/kubepods-burstable.slice/" + pod + "/cri-containerd-" + a + ".scope", a},
      {"kubepods, CRI-O, systemd", "/kubepods.slice/kubepods-burstable.slice/" + pod + "/crio-" + a + ".scope", a},
      {"kubepods, CRI-O, cgroupfs", "/kubepods/burstable/" + pod_dir + "/crio-" + a, a},
      {"kubepods, CRI-O, inner cgroup", "/kubepods.slice/" + pod + "/crio-" + a + ".scope/container", a},
      {"kubepods, Docker, systemd", "/kubepods.slice/" + pod + "/docker-" + a + ".scope", a},
      {"containerd, systemd driver on one side only",
       "/system.slice/containerd.service/" + pod + ":cri-containerd:" + a, a},
      {"Podman, root", "/machine.slice/libpod-" + a + ".scope", a},
      {"Podman, root, inner cgroup", "/machine.slice/libpod-" + a + ".scope/container", a},
      {"Podman, rootless", "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + a + ".scope/container",
       a},
      {"Podman, cgroupfs", "/libpod_parent/libpod-" + a, a},
      {"kind: a pod inside a Docker container",
       "/docker/" + b + "/kubelet/kubepods/" + pod_dir + "/cri-containerd-" + a + ".scope", a},
      {"Docker in Docker", "/docker/" + b + "/docker/" + a, a},
      {"seen from another cgroup namespace", "/../../kubepods.slice/" + pod + "/cri-containerd-" + a + ".scope", a},
      {"without its beginning", pod + "/cri-containerd-" + a + ".scope", a},
      {"ECS", "/ecs/task-id/" + a, a},
      {"Fargate", "/ecs/" + a.substr(0, 32) + "/" + a.substr(0, 32) + "-1234567890", a.substr(0, 32) + "-1234567890"},
  };
  for (const Case& c : cases) EXPECT_EQ(container_id(c.path), c.id) << c.what << ": " << c.path;
}

TEST(ContainerId, IsNotInventedElsewhere) {
  const Case cases[] = {
      {"nothing", "", ""},
      {"the root", "/", ""},
      {"a service", "/system.slice/nginx.service", ""},
      {"a session", "/user.slice/user-1000.slice/session-3.scope", ""},
      {"a pod without container", "/kubepods.slice/" + pod, ""},
      {"Podman's monitor", "/machine.slice/libpod-conmon-" + a + ".scope", ""},
      {"CRI-O's monitor", "/system.slice/crio-conmon-" + a + ".scope", ""},
      {"systemd-nspawn", "/machine.slice/systemd-nspawn@web.service/payload", ""},
      {"LXC", "/lxc.payload.web", ""},
      {"an upper-case id", "/docker/" + std::string(64, 'A'), ""},
      {"one digit short", "/docker/" + a.substr(1), ""},
      {"one digit long", "/docker/" + a + "0", ""},
      {"32 digits, as anything may have", "/jobs/" + a.substr(0, 32), ""},
      {"no hexadecimal number", "/docker/" + std::string(64, 'g'), ""},
      {"only separators", "////--::", ""},
  };
  for (const Case& c : cases) EXPECT_EQ(container_id(c.path), c.id) << c.what << ": " << c.path;
}

}  // namespace
}  // namespace subfloor::identity
