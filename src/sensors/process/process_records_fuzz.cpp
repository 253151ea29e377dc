// SPDX-License-Identifier: Apache-2.0
// Any bytes as a record of each kind. Checked: what a record tells is no longer than the record.
#include <algorithm>
#include <numeric>
#include <string>

#include "base/fuzzing.h"
#include "sensors/process/process_records.h"

namespace {

using namespace subfloor;
using fuzzing::require;

void check_exec(const Process& process, std::size_t size) {
  require(process.comm.size() <= 16);
  // The slices of a hostile record may be of the same bytes: each is bounded by itself.
  require(process.executable.size() <= size && process.cgroup.size() <= size);
  const auto add = [](std::size_t sum, const std::string& argument) { return sum + argument.size() + 1; };
  require(std::accumulate(process.arguments.begin(), process.arguments.end(), std::size_t{0}, add) <= size + 1);
  require(std::ranges::none_of(process.arguments, [](const std::string& a) { return a.find('\0') != a.npos; }));
  require(process.uid_known);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto record = fuzzing::bytes_of(fuzzing::text_of(data, size));
  if (const auto process = sensors::read_exec(record)) check_exec(*process, size);
  if (const auto fork = sensors::read_fork(record)) require(fork->child.comm.size() <= 16);
  (void)sensors::read_exit(record);
  return 0;
}
