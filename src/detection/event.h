// SPDX-License-Identifier: Apache-2.0
// What rules are asked about: something that a process did, or tried.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "model/process.h"
#include "model/syscall.h"
#include "model/workload.h"
#include "rules/event_types.h"

namespace subfloor::detection {

struct Event {
  rules::EventType type{};
  std::uint64_t number = 0;  // from 1
  Nanoseconds when = 0;      // CLOCK_MONOTONIC
  std::int64_t result = 0;   // as the system call returned it: negative errno where it failed
  const Syscall* syscall = nullptr;  // what was asked of the kernel, where that is what it is
  ProcessRef process;        // who did it, as it was after that; never null
  WorkloadRef workload;      // of its container; null where that is none, or is not known
};

}  // namespace subfloor::detection
