// SPDX-License-Identifier: Apache-2.0
// The part that needs protobuf, gRPC and libcurl. wire/ is it; a build without them has absent/ in its place.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exporters/otlp/resource.h"
#include "exporters/otlp/settings.h"
#include "exporters/otlp/transport.h"
#include "telemetry/metric_snapshot.h"
#include "telemetry/span.h"

namespace subfloor::otlp {

// Why this build cannot export by OTLP; empty where it can.
[[nodiscard]] std::string_view unavailable();

// user_agent: "subfloor/0.1.0". Connects when it first sends. Errors: a certificate that cannot be read.
[[nodiscard]] Result<std::unique_ptr<Transport>> make_transport(Signal signal, const Target& target,
                                                                const std::string& user_agent);

// Serialised ExportTraceServiceRequest and ExportMetricsServiceRequest.
[[nodiscard]] std::string encode(const std::vector<Span>& spans, const Origin& origin);
[[nodiscard]] std::string encode(const MetricSnapshot& snapshot, const Origin& origin);

}  // namespace subfloor::otlp
