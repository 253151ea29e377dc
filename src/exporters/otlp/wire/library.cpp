// SPDX-License-Identifier: Apache-2.0
#include "exporters/otlp/library.h"

#include "exporters/otlp/wire/transports.h"

namespace subfloor::otlp {

std::string_view unavailable() { return {}; }

Result<std::unique_ptr<Transport>> make_transport(Signal signal, const Target& target, const std::string& user_agent) {
  return target.protocol == Protocol::grpc ? make_grpc_transport(signal, target, user_agent)
                                           : make_http_transport(signal, target, user_agent);
}

}  // namespace subfloor::otlp
