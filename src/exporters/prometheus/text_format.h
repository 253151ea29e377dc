// SPDX-License-Identifier: Apache-2.0
// Prometheus text exposition format, version 0.0.4.
#pragma once

#include <string>

#include "telemetry/metric_snapshot.h"

namespace subfloor::prometheus {

// Content-Type of what write_text makes.
inline constexpr const char* content_type = "text/plain; version=0.0.4; charset=utf-8";

// "http.server.request.duration" in "ms" → http_server_request_duration_milliseconds; counters end in _total, ratios in
// _ratio. Counts of things ("{request}") have no suffix.
[[nodiscard]] std::string metric_name(const MetricFamily& family);

// Families without points are left out; the resource becomes target_info.
[[nodiscard]] std::string write_text(const MetricSnapshot& snapshot);

}  // namespace subfloor::prometheus
