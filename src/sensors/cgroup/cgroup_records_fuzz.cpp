// SPDX-License-Identifier: Apache-2.0
// Any bytes as a record. Checked: the path is inside the record, and ends where its text does.
#include "base/fuzzing.h"
#include "sensors/cgroup/cgroup_records.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace subfloor;
  const auto record = fuzzing::bytes_of(fuzzing::text_of(data, size));
  if (const auto path = sensors::read_cgroup_path(record)) {
    fuzzing::require(path->size() + 24 <= size);
    fuzzing::require(path->find('\0') == std::string_view::npos);
  }
  return 0;
}
