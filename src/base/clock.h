// SPDX-License-Identifier: Apache-2.0
// Times inside Subfloor are nanoseconds of CLOCK_MONOTONIC, as bpf_ktime_get_ns gives them.
#pragma once

#include <cstdint>
#include <string>

namespace subfloor {

using Nanoseconds = std::uint64_t;

// CLOCK_MONOTONIC now.
[[nodiscard]] Nanoseconds monotonic_now();

// Unix time in ns of a monotonic instant; the offset is read anew each second, so steps of the wall clock show.
[[nodiscard]] Nanoseconds to_unix(Nanoseconds monotonic);

// CLOCK_MONOTONIC instant of a CLOCK_BOOTTIME one (process start times); they differ by time spent suspended.
[[nodiscard]] Nanoseconds boottime_to_monotonic(Nanoseconds boottime);

// "2026-01-31T12:34:56.123456789Z" of a Unix time in ns.
[[nodiscard]] std::string rfc3339(Nanoseconds unix_time);

}  // namespace subfloor
