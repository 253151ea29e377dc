// SPDX-License-Identifier: Apache-2.0
// Any bytes as what /proc says of a process: stat, status, cmdline, cgroup and maps, separated by a byte 0xff.
// Processes choose much of it. Checked: nothing is longer than what was read.
#include <array>
#include <numeric>
#include <string>
#include <string_view>

#include "base/fuzzing.h"
#include "identity/process/container_id.h"
#include "identity/process/language.h"
#include "identity/process/proc_files.h"
#include "identity/process/proc_tree.h"

namespace {

using namespace subfloor;
using namespace subfloor::identity;
using fuzzing::require;

constexpr std::uint32_t pid = 42;
constexpr std::array<std::string_view, 5> files{"stat", "status", "cmdline", "cgroup", "maps"};

void check(const Process& process, std::size_t size) {
  require(process.pid == pid);
  require(process.comm.size() <= size && process.cgroup.size() <= size + 1);
  require(process.container_id.empty() || process.container_id.size() >= 32);
  const auto add = [](std::size_t sum, const std::string& argument) { return sum + argument.size(); };
  require(std::accumulate(process.arguments.begin(), process.arguments.end(), std::size_t{0}, add) <=
          max_argument_bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static ProcTree tree;
  static const bool added = (tree.add(pid, {}), true);
  (void)added;
  std::string_view rest = fuzzing::text_of(data, size);
  for (const std::string_view file : files) {
    const std::string_view part = rest.substr(0, rest.find('\xff'));
    tree.write(pid, file, part);
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    (void)container_id(part);
    (void)language_of_maps(part);
    (void)language_of_name(part);
  }
  const ProcFiles proc(tree.root());
  if (const auto process = proc.read(pid)) check(*process, size);
  return 0;
}
