// SPDX-License-Identifier: Apache-2.0
#include "bpf/counters.h"

#include <bpf/bpf.h>

#include <vector>

namespace subfloor::bpf {

family_counters sum_over_cpus(int counters_map, std::uint32_t family) {
  std::vector<family_counters> per_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  family_counters sum{};
  if (bpf_map_lookup_elem(counters_map, &family, per_cpu.data()) != 0) return sum;
  for (const family_counters& one : per_cpu) {
    sum.seen += one.seen;
    sum.submitted += one.submitted;
    sum.filtered += one.filtered;
    sum.ring_full += one.ring_full;
    sum.no_key += one.no_key;
    sum.unreadable += one.unreadable;
    sum.map_full += one.map_full;
    sum.bytes += one.bytes;
  }
  return sum;
}

std::uint64_t missed_runs(const bpf_program* program) {
  bpf_prog_info info{};
  std::uint32_t size = sizeof info;
  if (bpf_prog_get_info_by_fd(bpf_program__fd(program), &info, &size) != 0) return 0;
  return info.recursion_misses;
}

}  // namespace subfloor::bpf
