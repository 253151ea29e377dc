// SPDX-License-Identifier: Apache-2.0
// The sensor against the running kernel, on each rung: a cgroup is told of before mkdir() returns.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "sensors/sensor.h"

namespace subfloor::sensors {

extern const Descriptor cgroup_descriptor;

namespace {

using testing::Contains;

// Where a cgroup hierarchy is mounted: the v2 one, wherever that is.
std::string mount_point() {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, at;
    fields >> id >> parent >> device >> root >> at;
    if (line.find(" - cgroup2 ") != std::string::npos && root == "/") return at;
  }
  return {};
}

class Heard final : public Events {
 public:
  void on_cgroup_created(std::string_view path, Nanoseconds) override { created.emplace_back(path); }
  void on_cgroup_removed(std::string_view path, Nanoseconds) override { removed.emplace_back(path); }
  std::vector<std::string> created, removed;
};

class CgroupSensorOn : public testing::TestWithParam<const char*> {};

TEST_P(CgroupSensorOn, TellsOfACgroupThatIsMadeAndRemovedAndWakesTheReader) {
  const std::string root = mount_point();
  if (root.empty()) GTEST_SKIP() << "missing: cgroup2 mounted";
  auto rings = bpf::Rings::make(64 << 10, 4096);
  ASSERT_TRUE(rings) << rings.error().message;
  Heard heard;
  Settings settings;
  settings.rung = GetParam();
  bpf::LadderReport report;
  auto sensor = cgroup_descriptor.open({*rings, heard, settings, 5}, report);
  ASSERT_TRUE(sensor) << sensor.error().message;
  auto reader = bpf::RingReader::make(*rings, [&](const record_header& header, std::span<const std::byte> record) {
    EXPECT_EQ(header.sensor, 5);
    (*sensor)->handle(header, record);
  });
  ASSERT_TRUE(reader) << reader.error().message;

  const std::string name = "/subfloor-test-" + std::to_string(getpid()) + GetParam();
  const std::string long_name = name + "/" + std::string(200, 'x');
  ASSERT_EQ(mkdir((root + name).c_str(), 0755), 0);
  pollfd ready{(*reader)->epoll_fd(), POLLIN, 0};
  EXPECT_EQ(poll(&ready, 1, 5000), 1) << "nobody waits for a timer";
  EXPECT_EQ(mkdir((root + long_name).c_str(), 0755), 0);
  EXPECT_EQ(rmdir((root + long_name).c_str()), 0);
  ASSERT_EQ(rmdir((root + name).c_str()), 0);
  (*reader)->drain();
  EXPECT_EQ((*reader)->malformed(), 0U);
  EXPECT_THAT(heard.created, Contains(name));
  EXPECT_THAT(heard.created, Contains(long_name));
  EXPECT_THAT(heard.removed, Contains(name));
  for (const FamilyCounters& family : (*sensor)->counters()) {
    EXPECT_GE(family.counters.submitted, 2U) << family.family;
    EXPECT_EQ(family.counters.seen, family.counters.submitted) << family.family;
    EXPECT_EQ(family.counters.unreadable, 0U) << family.family;
  }
}

INSTANTIATE_TEST_SUITE_P(Rung, CgroupSensorOn, testing::Values("tp_btf", "raw_tp"),
                         [](const auto& which) { return std::string(which.param); });

}  // namespace
}  // namespace subfloor::sensors
