// SPDX-License-Identifier: Apache-2.0
#include "exporters/json/json.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "exporters/json/json_writer.h"
#include "telemetry/semantics.h"
#include "telemetry/service_name.h"

namespace subfloor::json {
namespace {

void append_partial(ObjectWriter& object, std::uint8_t partial) {
  object.boolean("partial", partial != partial_no);
  if (partial == partial_no) return;
  object.key("partial_reasons");
  std::string& out = object.out();
  char before = '[';
  for (const std::string_view name : partial_reasons(partial)) {
    out += before;
    append_string(out, name);
    before = ',';
  }
  out += before == '[' ? "[]" : "]";
}

bool less_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); };
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [&](char x, char y) { return lower(x) < lower(y); });
}

// Fields of one name become one array. Sorted, so that a thousand hostile fields cost no more than sorting them.
void append_headers(ObjectWriter& object, std::string_view prefix, const HeaderList& headers) {
  if (headers.empty()) return;
  std::vector<std::uint32_t> order(headers.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    const std::string_view x = headers[a].name, y = headers[b].name;
    return equal_ignoring_case(x, y) ? a < b : less_ignoring_case(x, y);  // fields of one name stay in their order
  });
  for (std::size_t i = 0; i < order.size();) {
    const std::string_view name = headers[order[i]].name;
    object.untrusted_key(prefix, name);
    std::string& out = object.out();
    char before = '[';
    for (; i < order.size() && equal_ignoring_case(headers[order[i]].name, name); ++i) {
      out += before;
      append_string(out, headers[order[i]].value);
      before = ',';
    }
    out += ']';
  }
}

void append_http(ObjectWriter& object, const Call& call) {
  const std::string_view method = semantics::operation_name(call);
  if (!call.operation.empty()) object.text("http.request.method", method);
  if (method == "_OTHER") object.text("http.request.method_original", call.operation);
  object.text_if_any("url.path", call.path);
  object.text_if_any("url.query", call.query);
  if (call.status) object.number("http.response.status_code", *call.status);
  if (semantics::is_error(call)) object.text("error.type", semantics::error_type(call));
  object.number("http.request.body.size", call.request_body_bytes);
  if ((call.partial & partial_no_response) == 0) object.number("http.response.body.size", call.response_body_bytes);
  append_headers(object, "http.request.header.", call.request_headers);
  append_headers(object, "http.response.header.", call.response_headers);
}

// The fields all calls share, under the same names whatever the protocol, and again under OpenTelemetry's.
void append_other(ObjectWriter& object, const Call& call) {
  const Family& family = *call.protocol->family;
  object.text("operation", semantics::operation_name(call));
  object.text_if_any("target", call.target);
  object.text_if_any("path", call.path);
  for (const Family::Constant& constant : family.constants) object.text(constant.key, constant.value);
  const auto text_if_named = [&](std::string_view key, std::string_view value) {
    if (!key.empty() && key != "operation" && key != "target") object.text_if_any(key, value);
  };
  text_if_named(family.operation_key, call.operation);
  text_if_named(family.target_key, call.target);
  if (call.status) object.number("status_code", *call.status);
  if (call.status && family.status_text != nullptr) object.text("status_text", family.status_text(*call.status));
  if (call.status && family.status_key != "status_code")
    text_if_named(family.status_key, semantics::status_text(family, *call.status));
  object.text_if_any("error.type", call.error);
  text_if_named(family.error_key, call.error);
  object.number("request.size", call.request_body_bytes);
  if ((call.partial & partial_no_response) == 0) object.number("response.size", call.response_body_bytes);
}

void append_attributes(ObjectWriter& object, const AttributeList& attributes) {
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    const AttributeList::Item item = attributes[i];
    if (item.number) {
      object.key(item.key);
      object.out() += item.value;
    } else {
      object.text(item.key, item.value);
    }
  }
}

void append_network(ObjectWriter& object, const Call& call, const Connection& connection) {
  object.text("network.protocol.name", call.protocol->family->name);
  object.text_if_any("network.protocol.version", call.version);
  if (connection.transport == Transport::unix_stream) {
    object.text("network.transport", "unix");
    object.text_if_any("network.peer.address", connection.unix_path);
    return;
  }
  object.text("network.transport", semantics::transport_text(connection.transport));
  const Address& known = connection.remote.known() ? connection.remote : connection.local;
  if (known.known()) object.text("network.type", known.is_ipv4() ? "ipv4" : "ipv6");
  if (connection.remote.known()) {
    object.text("network.peer.address", connection.remote.ip_text());
    object.number("network.peer.port", connection.remote.port);
  }
  if (connection.local.known()) {
    object.text("network.local.address", connection.local.ip_text());
    object.number("network.local.port", connection.local.port);
  }
}

bool has_runtime(Language language) {
  return language != Language::unknown && language != Language::cpp && language != Language::rust;
}

void append_workload(ObjectWriter& object, const Workload& workload) {
  object.text_if_any("container.image.name", workload.image);
  object.text_if_any("k8s.container.name", workload.container_name);
  object.text_if_any("k8s.pod.name", workload.pod_name);
  object.text_if_any("k8s.namespace.name", workload.pod_namespace);
  object.text_if_any("k8s.pod.uid", workload.pod_uid);
  if (!workload.owner.name.empty())
    object.text("k8s." + std::string(workload.owner.kind) + ".name", workload.owner.name);
  for (const auto& [key, value] : workload.labels) object.prefixed_text("k8s.pod.label.", key, value);
}

void append_process(ObjectWriter& object, const Observation& observation, std::uint32_t pid) {
  const Process& process = observation.process;
  if (pid == 0 && process.pid == 0) return;  // seen on the wire: nobody knows who it was
  object.text("service.name", observation.service);
  object.number("process.pid", pid != 0 ? pid : process.pid);
  object.text_if_any("process.executable.name", executable_name(process));
  object.text_if_any("process.executable.path", process.executable);
  if (process.uid_known) object.number("process.user.id", process.uid);
  if (has_runtime(process.language)) object.text("process.runtime.name", to_string(process.language));
  if (process.language != Language::unknown) object.text("telemetry.sdk.language", to_string(process.language));
  object.text_if_any("container.id", process.container_id);
  if (observation.workload) append_workload(object, *observation.workload);
}

void append_peer(ObjectWriter& object, const Observation& observation) {
  if (observation.peer != nullptr && observation.peer_service.empty())
    object.text("peer.service", service_name(*observation.peer));
  object.text_if_any("peer.service", observation.peer_service);
  if (observation.peer != nullptr) {
    object.number("peer.process.pid", observation.peer->pid);
    object.text_if_any("peer.process.executable.name", executable_name(*observation.peer));
  }
  if (!observation.peer_workload) return;
  object.text_if_any("peer.k8s.container.name", observation.peer_workload->container_name);
  object.text_if_any("peer.k8s.pod.name", observation.peer_workload->pod_name);
  object.text_if_any("peer.k8s.namespace.name", observation.peer_workload->pod_namespace);
}

void append_durations(ObjectWriter& object, const Span& span) {
  const DurationStatistics& duration = span.duration;
  if (duration.count == 0) return;
  object.number("duration.count", duration.count);
  object.number("duration.min_ns", duration.min);
  object.number("duration.mean_ns", duration.mean);
  object.number("duration.max_ns", duration.max);
  object.number("duration.p50_ns", duration.p50);
  object.number("duration.p90_ns", duration.p90);
  object.number("duration.p95_ns", duration.p95);
  object.number("duration.p99_ns", duration.p99);
  const auto list = [&](std::string_view name, std::span<const std::uint64_t> values) {
    object.key(name);
    char before = '[';
    for (const std::uint64_t value : values) {
      object.out() += before;
      object.out() += std::to_string(value);
      before = ',';
    }
    object.out() += ']';
  };
  list("duration.bounds_ns", span.durations.bounds());
  list("duration.bucket_counts", span.durations.counts());
}

void append_attribute(ObjectWriter& object, const Attribute& attribute) {
  if (const auto* text = std::get_if<std::string>(&attribute.value)) {
    object.text(attribute.key, *text);
  } else {
    object.number(attribute.key, std::get<std::int64_t>(attribute.value));
  }
}

}  // namespace

void append_json(std::string& out, const Observation& observation) {
  append_json(out, observation, to_unix(observation.call.start));
}

void append_json(std::string& out, const Observation& observation, Nanoseconds unix_start) {
  const Call& call = observation.call;
  ObjectWriter object(out);
  object.time("time", unix_start);
  object.text("protocol", call.protocol->family->name);
  object.text("kind", to_string(call.kind));
  object.number("duration_ns", call.duration());
  if (call.first_byte > call.start) object.number("time_to_first_byte_ns", call.first_byte - call.start);
  object.text("trace_id", observation.trace_id);
  object.text("span_id", observation.span_id);
  object.text_if_any("parent_span_id", observation.parent_span_id);
  append_partial(object, call.headers_kept ? call.partial : call.partial | partial_headers);
  call.protocol->family->http ? append_http(object, call) : append_other(object, call);
  if (call.protocol->family->http) object.text("url.scheme", observation.connection.tls ? "https" : "http");
  if (observation.connection.tls) object.boolean("tls.established", true);
  append_attributes(object, call.attributes);
  object.text_if_any("subfloor.route", observation.route);
  object.text_if_any("server.address", observation.server_name);
  append_network(object, call, observation.connection);
  append_process(object, observation, call.pid);
  append_peer(object, observation);
  object.end();
}

void append_json(std::string& out, const Span& span) {
  ObjectWriter object(out);
  object.time("time", to_unix(span.start));
  object.text("name", span.name);
  object.text("protocol", span.protocol);
  object.text("kind", to_string(span.kind));
  object.number("duration_ns", span.end - span.start);
  object.text("trace_id", span.trace_id);
  object.text("span_id", span.span_id);
  object.text_if_any("parent_span_id", span.parent_span_id);
  append_partial(object, span.exemplar_partial);
  object.text("status", span.error ? "error" : "unset");
  for (const Attribute& attribute : span.attributes) append_attribute(object, attribute);
  object.text("service.name", span.resource.service);
  object.text_if_any("container.id", span.resource.container_id);
  if (span.resource.workload) append_workload(object, *span.resource.workload);
  object.number("process.pid", span.resource.pid);
  object.text_if_any("process.executable.path", span.resource.executable);
  if (span.resource.language != Language::unknown) {
    object.text("telemetry.sdk.language", to_string(span.resource.language));
  }
  object.number("count", span.count);
  object.number("error_count", span.error_count);
  object.number("partial_count", span.partial_count);
  append_durations(object, span);
  object.number("request_body_bytes", span.request_body_bytes);
  object.number("response_body_bytes", span.response_body_bytes);
  if (span.window_end != 0) {
    object.time("window.start", to_unix(span.window_start));
    object.time("window.end", to_unix(span.window_end));
    object.boolean("overflow", span.overflow);
  }
  if (span.completeness) object.number("completeness", *span.completeness);
  object.end();
}

}  // namespace subfloor::json
