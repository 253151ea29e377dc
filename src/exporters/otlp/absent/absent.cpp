// SPDX-License-Identifier: Apache-2.0
#include "exporters/otlp/library.h"

namespace subfloor::otlp {

std::string_view unavailable() {
  return "this build has no OTLP: libopentelemetry-proto-dev, libgrpc++-dev or libcurl4-openssl-dev was not there when "
         "it was made";
}

Result<std::unique_ptr<Transport>> make_transport(Signal /*signal*/, const Target& /*target*/,
                                                  const std::string& /*user_agent*/) {
  return fail(std::string(unavailable()));
}

std::string encode(const std::vector<Span>& /*spans*/, const Origin& /*origin*/) { return {}; }
std::string encode(const MetricSnapshot& /*snapshot*/, const Origin& /*origin*/) { return {}; }

}  // namespace subfloor::otlp
