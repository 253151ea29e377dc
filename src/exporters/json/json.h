// SPDX-License-Identifier: Apache-2.0
// Calls and spans as JSON, an object to a line. Keys are OpenTelemetry's attribute names where there is one.
#pragma once

#include <string>

#include "model/call.h"
#include "telemetry/span.h"

namespace subfloor::json {

// One call, without the newline. Members that are not known are left out, never made up; always there are time,
// protocol, kind, duration_ns, trace_id, span_id and partial.
void append_json(std::string& out, const Observation& observation);
// The same of another time: call.start was at unix_start (ns).
void append_json(std::string& out, const Observation& observation, Nanoseconds unix_start);

// One span of a window (or of one call), without the newline.
void append_json(std::string& out, const Span& span);

}  // namespace subfloor::json
