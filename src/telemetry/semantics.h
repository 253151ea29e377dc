// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry's rules for names and errors, where spans, metrics and JSON lines must agree.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/call.h"

namespace subfloor::semantics {

// The protocol as users name it: "http" for http1 and http2, else the folder's own name.
[[nodiscard]] std::string_view protocol_name(std::string_view protocol);
[[nodiscard]] bool is_http(std::string_view protocol);

// A known HTTP method as it is, `_OTHER` for one that is not known, `_unknown` where none was seen. Operations of other
// protocols pass unchanged.
[[nodiscard]] std::string_view operation_name(const Call& call);

// Server 4xx is no error of the server's; client 4xx and every 5xx are errors, and so is any error code of the
// protocol.
[[nodiscard]] bool is_error(const Call& call);
// The value of error.type: the status, or the protocol's error; empty where the call is no error.
[[nodiscard]] std::string error_type(const Call& call);

// Is end - start the time the call took? Not where its beginning or end may have been missed. Calls that the
// connection's end left without an answer count with the time until then.
[[nodiscard]] bool duration_known(const Call& call);

// Where the client sent the call: from Host, else the port of the connection's end there; port 0 where unknown.
struct Server {
  std::string_view host;  // points into the call; empty where only the connection knows
  int port = 0;
};
[[nodiscard]] Server server_of(const Observation& observation);

}  // namespace subfloor::semantics
