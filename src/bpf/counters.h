// SPDX-License-Identifier: Apache-2.0
// What a sensor's programs counted.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>

#include "bpf/abi/record.h"

namespace subfloor::bpf {

// One family of the per-CPU map `counters`, over all CPUs; zero where the kernel would not tell.
[[nodiscard]] family_counters sum_over_cpus(int counters_map, std::uint32_t family);

// Runs that the kernel skipped because the program was already running on that CPU.
[[nodiscard]] std::uint64_t missed_runs(const bpf_program* program);

}  // namespace subfloor::bpf
