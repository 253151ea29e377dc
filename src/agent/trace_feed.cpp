// SPDX-License-Identifier: Apache-2.0
#include "agent/trace_feed.h"

#include <string_view>

#include "telemetry/trace_context.h"

namespace subfloor::agent {
namespace {

tracing::Transfer transfer_of(const Connection& connection, std::optional<Kind> kind,
                              const protocols::Segment& segment) {
  return {.connection = connection,
          .kind = kind,
          .outbound = segment.direction == protocols::Direction::outbound,
          .position = segment.position,
          .end = segment.position + static_cast<std::uint32_t>(segment.length),
          .pid = segment.pid,
          .tid = segment.tid,
          .sleeps = segment.sleeps,
          .when = segment.direction == protocols::Direction::outbound ? segment.begin : segment.end};
}

}  // namespace

void TraceFeed::before(const Connection& connection, std::optional<Kind> kind, const protocols::Segment& segment) {
  tracing::Transfer transfer = transfer_of(connection, kind, segment);
  transfer.tid = tracer_.principal_of(transfer);
  tracer_.before(transfer);
}

void TraceFeed::after(const Connection& connection, const protocols::Segment& segment) {
  tracer_.after(transfer_of(connection, {}, segment));
}

void TraceFeed::on_request(const Call& call, Kind kind, const Connection& connection, std::uint32_t pid) {
  const std::optional<TraceContext> context = extract_trace_context(call.request_headers);
  tracer_.on_request(call, kind, connection, pid, context && context->has_ids() ? &*context : nullptr);
}

tracing::Unnamed TraceFeed::on_call(const Call& call, const Connection& connection) {
  const std::optional<TraceContext> context = extract_trace_context(call.request_headers);
  return tracer_.on_call(call, connection, context && context->has_ids() ? &*context : nullptr);
}

bool exports_spans(const Call& call) {
  if (call.kind != Kind::client || call.operation != "POST") return false;
  return call.path.ends_with("/v1/traces") ||
         call.path == "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
}

tracing::Style style_of(const Process& process) {
  if (process.language == Language::go) return tracing::Style::goroutines;
  if (process.language == Language::nodejs) return tracing::Style::loop;
  const std::string_view executable = process.executable;
  const std::string_view name = executable.substr(executable.rfind('/') + 1);
  if (name == "nginx") return tracing::Style::loop;
  return name == "haproxy" || name == "envoy" ? tracing::Style::turns : tracing::Style::unknown;
}

}  // namespace subfloor::agent
