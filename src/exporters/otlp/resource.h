// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry's resource: who a span, or a set of metrics, is of.
#pragma once

#include <string>
#include <string_view>

#include "telemetry/metric_snapshot.h"
#include "telemetry/span.h"

namespace subfloor::otlp {

// What all resources of an agent share, and what is its own.
struct Origin {
  Labels common;        // host.*, os.type, what the user gave; telemetry.distro.*
  Labels agent;         // service.name and process.* of the agent itself
  std::string version;  // of the agent
};

[[nodiscard]] Labels resource_of(const Resource& resource, const Origin& origin);
// Of a service whose processes on this host count together.
[[nodiscard]] Labels resource_of_service(std::string_view service, const Origin& origin);
[[nodiscard]] Labels resource_of_agent(const Origin& origin);

}  // namespace subfloor::otlp
