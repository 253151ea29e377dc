// SPDX-License-Identifier: Apache-2.0
// System calls, as the sensor numbers them and as rules name them.
#pragma once

#include <optional>
#include <vector>

#include "detection/foresight.h"
#include "rules/event_types.h"
#include "sensors/sensor.h"

namespace subfloor::agent {

// Nothing where rules have no name for it.
[[nodiscard]] std::optional<rules::EventType> event_type_of(const Syscall& call);

// What the sensor is to tell, so that rules hear of these. Calls that it does not know are left out.
[[nodiscard]] std::vector<sensors::WantedSyscall> wanted_syscalls(const std::vector<detection::WantedCall>& calls);

}  // namespace subfloor::agent
