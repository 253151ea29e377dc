// SPDX-License-Identifier: Apache-2.0
#include "agent/trace_json.h"

#include <string_view>

#include "base/clock.h"

namespace subfloor::agent {
namespace {

std::string text_of(tracing::SpanId id) {
  std::string text(16, '0');
  tracing::write(id, text.data());
  return text;
}

nlohmann::json call_json(const tracing::KeptCall& call) {
  nlohmann::json json{{"span_id", text_of(call.span)},
                      {"time_unix_ns", to_unix(call.start)},
                      {"duration_ns", call.end - call.start},
                      {"kind", to_string(call.kind)},
                      {"protocol", call.protocol->family->name},
                      {"service", call.service},
                      {"process.pid", call.pid},
                      {"operation", call.operation}};
  if (call.parent != 0) json["parent_span_id"] = text_of(call.parent);
  if (!call.target.empty()) json["target"] = call.target;
  if (!call.error.empty()) json["error"] = call.error;
  if (call.status >= 0) json["status"] = call.status;
  if (call.remote.known()) json["network.peer.address"] = call.remote.text();
  if (call.partial != partial_no) json["partial"] = partial_reasons(call.partial);
  return json;
}

}  // namespace

nlohmann::json trace_json(const tracing::Store& store, bool keeps, const std::string& id) {
  nlohmann::json calls = nlohmann::json::array();
  for (const tracing::KeptCall& call : store.find(tracing::read_trace_id(id))) calls.push_back(call_json(call));
  return {{"trace", id}, {"keeps", keeps}, {"calls", std::move(calls)}};
}

}  // namespace subfloor::agent
