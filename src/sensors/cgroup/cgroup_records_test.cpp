// SPDX-License-Identifier: Apache-2.0
#include "sensors/cgroup/cgroup_records.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "sensors/cgroup/cgroup_abi.h"

namespace subfloor::sensors {
namespace {

std::vector<std::byte> record(const std::string& path, std::uint32_t path_size) {
  cgroup_record fixed{};
  fixed.path_size = path_size;
  std::vector<std::byte> bytes(sizeof fixed + path.size());
  std::memcpy(bytes.data(), &fixed, sizeof fixed);
  std::memcpy(bytes.data() + sizeof fixed, path.data(), path.size());
  return bytes;
}

TEST(CgroupRecords, TellThePath) {
  EXPECT_EQ(read_cgroup_path(record("/a/b", 4)), "/a/b");
  EXPECT_EQ(read_cgroup_path(record("", 0)), "");
  EXPECT_EQ(read_cgroup_path(record(std::string("/a\0b", 4), 4)), "/a");
}

TEST(CgroupRecords, AreRefusedWhereTheyAreShorterThanTheySay) {
  EXPECT_FALSE(read_cgroup_path(record("/a/b", 5)));
  EXPECT_FALSE(read_cgroup_path(record("", 0xffffffff)));
  EXPECT_FALSE(read_cgroup_path(std::vector<std::byte>(23)));
}

}  // namespace
}  // namespace subfloor::sensors
