// SPDX-License-Identifier: Apache-2.0
// What a process's environment calls it, by OpenTelemetry's variables.
#pragma once

#include <string>
#include <string_view>

namespace subfloor::identity {

// environment: NAME=value, each ended by a NUL, as /proc/PID/environ has it; the last may be cut. OTEL_SERVICE_NAME,
// else service.name of OTEL_RESOURCE_ATTRIBUTES; empty where neither is there, or what they say is no printable text of
// 255 bytes at most.
[[nodiscard]] std::string declared_service(std::string_view environment);

}  // namespace subfloor::identity
