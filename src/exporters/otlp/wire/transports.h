// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "exporters/otlp/settings.h"
#include "exporters/otlp/transport.h"

namespace subfloor::otlp {

[[nodiscard]] Result<std::unique_ptr<Transport>> make_http_transport(Signal signal, const Target& target,
                                                                     const std::string& user_agent);
[[nodiscard]] Result<std::unique_ptr<Transport>> make_grpc_transport(Signal signal, const Target& target,
                                                                     const std::string& user_agent);

// What a server says in a successful answer, an Export…ServiceResponse: puts partial_success into the reply.
void read_response(Signal signal, const std::string& bytes, Reply& reply);

// What it says in a failure, a google.rpc.Status: its message, and RetryInfo.
struct Status {
  std::string message;
  std::optional<Nanoseconds> wait;
};
[[nodiscard]] Status read_status(const std::string& bytes);

}  // namespace subfloor::otlp
