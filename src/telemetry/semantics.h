// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry's rules for names and errors, where spans, metrics and JSON lines must agree.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/call.h"

namespace subfloor::semantics {

// A known HTTP method as it is, `_OTHER` for one that is not known, `_unknown` where none was seen. Operations of other
// protocols pass unchanged.
[[nodiscard]] std::string_view operation_name(const Call& call);

// Server 4xx of HTTP is no error of the server's; client 4xx and every 5xx are errors, and so is whatever the protocol
// calls one (Call::error).
[[nodiscard]] bool is_error(const Call& call);
// The value of error.type: the status, or the protocol's error; empty where the call is no error.
[[nodiscard]] std::string error_type(const Call& call);

// Is end - start the time the call took? Not where its beginning or end may have been missed. Calls that the
// connection's end left without an answer count with the time until then.
[[nodiscard]] bool duration_known(const Call& call);

// What a span of such calls is called: "{operation} {target}", or HTTP's method alone.
[[nodiscard]] std::string span_name(const Family& family, std::string_view operation, std::string_view target);

// The value of Family::status_key.
[[nodiscard]] std::string status_text(const Family& family, int status);

// network.transport: "tcp", "udp" or "unix".
[[nodiscard]] std::string_view transport_text(Transport transport);

// Name of the metric of durations.
[[nodiscard]] std::string duration_metric(const Family& family, Kind kind, bool otel);

// Where the client sent the call: from Host, else the name that was looked up for the address; port 0 where unknown.
struct Server {
  std::string_view host;  // points into the observation; empty where only the connection knows
  int port = 0;
};
[[nodiscard]] Server server_of(const Observation& observation);

}  // namespace subfloor::semantics
