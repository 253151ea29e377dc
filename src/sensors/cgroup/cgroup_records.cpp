// SPDX-License-Identifier: Apache-2.0
#include "sensors/cgroup/cgroup_records.h"

#include "base/byte_reader.h"
#include "sensors/cgroup/cgroup_abi.h"

namespace subfloor::sensors {

std::optional<std::string_view> read_cgroup_path(std::span<const std::byte> record) {
  ByteReader reader(record);
  cgroup_record fixed;
  std::string_view path;
  if (!reader.read(fixed) || !reader.read_text(fixed.path_size, path)) return std::nullopt;
  return path.substr(0, path.find('\0'));
}

}  // namespace subfloor::sensors
