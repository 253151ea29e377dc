// SPDX-License-Identifier: Apache-2.0
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include <map>

#include "exporters/otlp/library.h"
#include "exporters/otlp/wire/attributes.h"
#include "telemetry/utf8.h"

namespace subfloor::otlp {
namespace {

namespace trace = opentelemetry::proto::trace::v1;

void add_durations(KeyValues& to, const Span& span) {
  const DurationStatistics& duration = span.duration;
  if (duration.count == 0) return;
  const auto number = [&](std::string_view name, std::uint64_t value) {
    add_integer(to, name, static_cast<std::int64_t>(value));
  };
  number("subfloor.duration.count", duration.count);
  number("subfloor.duration.min_ns", duration.min);
  number("subfloor.duration.mean_ns", duration.mean);
  number("subfloor.duration.max_ns", duration.max);
  number("subfloor.duration.p50_ns", duration.p50);
  number("subfloor.duration.p90_ns", duration.p90);
  number("subfloor.duration.p95_ns", duration.p95);
  number("subfloor.duration.p99_ns", duration.p99);
  add_integers(to, "subfloor.duration.bounds_ns", span.durations.bounds());
  add_integers(to, "subfloor.duration.bucket_counts", span.durations.counts());
}

// What a span stands for beside the call whose ids and times it has.
void add_window(KeyValues& to, const Span& span) {
  const auto number = [&](std::string_view name, std::uint64_t value) {
    add_integer(to, name, static_cast<std::int64_t>(value));
  };
  number("subfloor.count", span.count);
  number("subfloor.error_count", span.error_count);
  number("subfloor.partial_count", span.partial_count);
  number("subfloor.request_body_bytes", span.request_body_bytes);
  number("subfloor.response_body_bytes", span.response_body_bytes);
  number("subfloor.window.start_unix_ns", to_unix(span.window_start));
  number("subfloor.window.end_unix_ns", to_unix(span.window_end));
  add_durations(to, span);
  if (span.overflow) add_boolean(to, "subfloor.overflow", true);
}

void add_call(KeyValues& to, const Span& span) {
  if (span.protocol != "http") return;
  add_integer(to, "http.request.body.size", static_cast<std::int64_t>(span.request_body_bytes));
  if ((span.exemplar_partial & partial_no_response) == 0)
    add_integer(to, "http.response.body.size", static_cast<std::int64_t>(span.response_body_bytes));
}

void add_attributes(KeyValues& to, const Span& span) {
  for (const Attribute& attribute : span.attributes) {
    if (const auto* text = std::get_if<std::string>(&attribute.value)) {
      add_text(to, attribute.key, *text);
    } else {
      add_integer(to, attribute.key, std::get<std::int64_t>(attribute.value));
    }
  }
  span.window_end != 0 ? add_window(to, span) : add_call(to, span);
  const std::vector<std::string_view> reasons = partial_reasons(span.exemplar_partial);
  if (!reasons.empty()) add_texts(to, "subfloor.partial", reasons);
  if (span.completeness) add_double(to, "subfloor.completeness", *span.completeness);
}

void fill(trace::Span& to, const Span& span) {
  to.set_trace_id(bytes_of_hex(span.trace_id));
  to.set_span_id(bytes_of_hex(span.span_id));
  to.set_parent_span_id(bytes_of_hex(span.parent_span_id));
  to.set_trace_state(utf8::printable(span.trace_state));
  std::uint32_t flags = span.trace_flags;
  // What a server gets as its parent came by the network; a client's may be of its own process.
  if (span.kind == Kind::server && !span.parent_span_id.empty()) {
    flags |= trace::SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK | trace::SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK;
  }
  to.set_flags(flags);
  to.set_name(utf8::printable(span.name));
  to.set_kind(span.kind == Kind::server ? trace::Span::SPAN_KIND_SERVER : trace::Span::SPAN_KIND_CLIENT);
  to.set_start_time_unix_nano(to_unix(span.start));
  to.set_end_time_unix_nano(to_unix(span.end));
  if (span.error) to.mutable_status()->set_code(trace::Status::STATUS_CODE_ERROR);
  add_attributes(*to.mutable_attributes(), span);
}

// One for each process that the spans are of.
class Resources {
 public:
  Resources(opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest& request, const Origin& origin)
      : request_(request), origin_(origin) {}

  trace::ScopeSpans& of(const Resource& resource) {
    trace::ScopeSpans*& scope = by_key_[{resource.service, resource.container_id, resource.pid, resource.executable}];
    if (scope != nullptr) return *scope;
    trace::ResourceSpans* const added = request_.add_resource_spans();
    for (const Label& label : resource_of(resource, origin_))
      add_label(*added->mutable_resource()->mutable_attributes(), label);
    scope = added->add_scope_spans();
    scope->mutable_scope()->set_name("subfloor");
    scope->mutable_scope()->set_version(origin_.version);
    scope->set_schema_url("https://opentelemetry.io/schemas/1.44.0");
    return *scope;
  }

 private:
  opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest& request_;
  const Origin& origin_;
  std::map<std::tuple<std::string, std::string, std::uint32_t, std::string>, trace::ScopeSpans*> by_key_;
};

}  // namespace

std::string encode(const std::vector<Span>& spans, const Origin& origin) {
  opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest request;
  Resources resources(request, origin);
  for (const Span& span : spans) fill(*resources.of(span.resource).add_spans(), span);
  return request.SerializeAsString();
}

}  // namespace subfloor::otlp
