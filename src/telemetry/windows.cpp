// SPDX-License-Identifier: Apache-2.0
#include "telemetry/windows.h"

#include <algorithm>
#include <cstdlib>

#include "telemetry/hashing.h"
#include "telemetry/semantics.h"
#include "telemetry/service_name.h"
#include "telemetry/trace_context.h"

namespace subfloor {
namespace {

constexpr std::string_view other = "{other}";
constexpr Family any_family{.name = other};
constexpr std::size_t max_path = 1024;       // bytes of a path that a group keeps
constexpr std::size_t max_attributes = 2048; // bytes of attributes that groups are told apart by; more are left out
constexpr std::size_t max_short_text = 128;  // of an operation, an error, a service or a container id

DurationStatistics statistics(const Histogram& durations, const QuantileSketch& sketch) {
  DurationStatistics result;
  result.count = durations.count();
  if (result.count == 0) return result;
  result.min = durations.min();
  result.max = durations.max();
  result.mean = durations.sum() / durations.count();
  const auto quantile = [&](double fraction) { return std::clamp(sketch.quantile(fraction), result.min, result.max); };
  result.p50 = quantile(0.50);
  result.p90 = quantile(0.90);
  result.p95 = quantile(0.95);
  result.p99 = quantile(0.99);
  return result;
}

void add_text(Span& span, std::string_view name, std::string value) {
  if (!value.empty()) span.attributes.push_back({name, std::move(value)});
}

void add_number(Span& span, std::string_view name, std::int64_t value) { span.attributes.push_back({name, value}); }

void add_attributes(const AttributeList& attributes, Span& span) {
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    const AttributeList::Item item = attributes[i];
    if (item.number) {
      add_number(span, item.key, std::strtoll(std::string(item.value).c_str(), nullptr, 10));
    } else {
      add_text(span, item.key, std::string(item.value));
    }
  }
}

}  // namespace

Windows::Windows(const WindowOptions& options, Nanoseconds now, SpanSink& sink)
    : sink_(sink), seed_(IdGenerator().next()), window_start_(now) {
  set_options(options);
}

void Windows::set_options(const WindowOptions& options) {
  options_ = options;
  options_.max_groups = std::max<std::size_t>(options_.max_groups, 8);
}

void Windows::add(const Observation& observation, SeriesId series) {
  ++window_calls_;
  KeyView key = key_of(observation);
  if (keeps_queries()) {
    Group group;
    count(group, observation, series);
    Span span = make_span(keep(key), group);
    if (!observation.call.query.empty()) span.attributes.push_back({"url.query", observation.call.query});
    sink_.on_span(span);
    return;
  }
  count(group_for(key, observation.route), observation, series);
}

WindowSummary Windows::close(Nanoseconds now, std::optional<double> completeness) {
  const WindowSummary summary{window_start_, now, window_calls_, groups_.size(), window_merged_, completeness};
  for (auto& [key, group] : groups_) {
    Span span = make_span(key, group);
    span.window_start = window_start_;
    span.window_end = now;
    span.completeness = completeness;
    sink_.on_span(span);
  }
  groups_.clear();
  recent_.clear();
  window_start_ = now;
  window_calls_ = window_merged_ = 0;
  sink_.on_window_closed(summary);
  return summary;
}

Windows::KeyView Windows::key_of(const Observation& observation) {
  const Call& call = observation.call;
  attributes_.clear();
  call.attributes.append_to(attributes_, Use::group);
  KeyView key;
  key.service = observation.service.substr(0, max_short_text);
  key.container = std::string_view(observation.process.container_id).substr(0, max_short_text);
  key.operation = semantics::operation_name(call).substr(0, max_short_text);
  key.target = std::string_view(call.target).substr(0, max_short_text);
  key.attributes = std::string_view(attributes_).substr(0, attributes_.size() <= max_attributes ? max_attributes : 0);
  key.path = std::string_view(call.path).substr(0, max_path);
  key.error = std::string_view(call.error).substr(0, max_short_text);
  key.family = call.protocol->family;
  key.peer = observation.connection.remote.ip;
  key.status = call.status.value_or(-1);
  key.kind = call.kind;
  return key;
}

void Windows::seal(KeyView& key) const {
  FieldHash hash(seed_);
  hash.add(key.path);
  hash.add(key.service);
  hash.add(key.container);
  hash.add(key.operation);
  hash.add(key.error);
  hash.add(reinterpret_cast<std::uintptr_t>(key.family));
  hash.add(key.target);
  hash.add(key.attributes);
  std::uint64_t peer[2];
  static_assert(sizeof(peer) == sizeof(key.peer));
  std::memcpy(peer, key.peer.data(), sizeof(peer));
  hash.add(peer[0]);
  hash.add(peer[1]);
  hash.add(static_cast<std::uint64_t>(static_cast<std::uint32_t>(key.status)) << 8 |
           static_cast<std::uint64_t>(key.by_route) << 2 | static_cast<std::uint64_t>(key.kind) << 1 |
           static_cast<std::uint64_t>(key.overflow));
  key.hash = hash.value();
}

Windows::Group& Windows::group_for(KeyView& key, std::string_view route) {
  auto*& recent = recent_.at(glance(key.operation) ^ glance(key.path) ^ glance(key.target) ^ glance(key.service) ^
                             static_cast<std::uint64_t>(key.status) << 8 ^ static_cast<std::uint64_t>(key.kind));
  if (recent != nullptr && Equal::same(recent->first, key)) return recent->second;
  seal(key);
  if (const auto found = groups_.find(key); found != groups_.end()) {
    recent = &*found;
    return found->second;
  }
  return look_up(key, route);
}

// The one of its own that it gets, or the one it has to share.
Windows::Group& Windows::look_up(KeyView& key, std::string_view route) {
  const std::size_t reserve = std::max<std::size_t>(4, options_.max_groups / 10);  // places kept for overflow groups
  if (!route.empty() && groups_.size() >= (options_.max_groups - reserve) / 4 * 3) {
    ++routed_calls_;
    key.path = route;
    key.peer = {};
    key.attributes = {};
    key.by_route = true;
    seal(key);
    if (const auto found = groups_.find(key); found != groups_.end()) return found->second;
  }
  if (groups_.size() + reserve < options_.max_groups) return insert(key);
  ++window_merged_;
  ++merged_calls_;
  return overflow_group_for(key);
}

// One overflow group per service while there is room, then one for all: the limit holds whatever comes.
Windows::Group& Windows::overflow_group_for(const KeyView& key) {
  KeyView merged;
  merged.service = key.service;
  merged.container = key.container;
  merged.family = key.family;
  merged.kind = key.kind;
  merged.path = other;
  merged.overflow = true;
  seal(merged);
  if (const auto found = groups_.find(merged); found != groups_.end()) return found->second;
  if (groups_.size() + 2 < options_.max_groups) return insert(merged);
  merged.service = other;  // of either kind: the two places left
  merged.container = {};
  merged.family = &any_family;
  seal(merged);
  const auto found = groups_.find(merged);
  return found != groups_.end() ? found->second : insert(merged);
}

Windows::Key Windows::keep(const KeyView& key) {
  return {key.hash,
          std::string(key.service),
          std::string(key.container),
          std::string(key.operation),
          std::string(key.target),
          std::string(key.path),
          std::string(key.error),
          std::string(key.attributes),
          key.family,
          key.peer,
          key.status,
          key.kind,
          key.by_route,
          key.overflow};
}

Windows::Group& Windows::insert(const KeyView& key) { return groups_.try_emplace(keep(key)).first->second; }

// The lowest rank becomes the exemplar. It depends on the trace id alone, so that the groups a trace passes through
// choose the same trace; it is keyed, so that no client can choose. Whole calls come before partial ones.
std::uint64_t Windows::rank_of(const Observation& observation) const {
  FieldHash hash(seed_);
  hash.add(observation.trace_id);
  return hash.value() >> 1 | static_cast<std::uint64_t>(observation.call.partial != partial_no) << 63;
}

void Windows::set_exemplar(Exemplar& exemplar, const Observation& observation, std::uint64_t rank) {
  const Call& call = observation.call;
  exemplar.rank = rank;
  exemplar.trace_id = observation.trace_id;
  exemplar.span_id = observation.span_id;
  exemplar.parent_span_id = observation.parent_span_id;
  exemplar.trace_flags = observation.trace_flags;
  exemplar.trace_state = observation.trace_state;
  exemplar.route = observation.route;
  exemplar.executable = observation.process.executable;
  exemplar.operation = std::string_view(call.operation).substr(0, max_short_text);
  exemplar.version = call.version;
  exemplar.start = call.start;
  exemplar.end = std::max(call.start, call.end);
  exemplar.pid = call.pid != 0 ? call.pid : observation.process.pid;
  exemplar.local_port = observation.connection.local.port;
  exemplar.remote_port = observation.connection.remote.port;
  exemplar.partial = call.partial;
  exemplar.transport = observation.connection.transport;
  exemplar.language = observation.process.language;
  exemplar.attributes = call.attributes;
  const semantics::Server server = semantics::server_of(observation);
  exemplar.server = server.host;
  exemplar.server_port = server.port;
  if (server.host.empty() && call.kind == Kind::client && observation.connection.remote.known())
    exemplar.server = observation.connection.remote.ip_text();
}

void Windows::count(Group& group, const Observation& observation, SeriesId series) {
  const Call& call = observation.call;
  const std::uint64_t rank = rank_of(observation);
  if (group.count == 0 || rank < group.exemplar.rank) {
    set_exemplar(group.exemplar, observation, rank);
    group.exemplar.series = series;
  }
  ++group.count;
  group.error_count += semantics::is_error(call) ? 1 : 0;
  group.partial_count += call.partial != partial_no ? 1 : 0;
  group.request_body_bytes += call.request_body_bytes;
  group.response_body_bytes += call.response_body_bytes;
  if (semantics::duration_known(call)) {
    group.durations.record(call.duration());
    group.sketch.record(call.duration());
  }
}

Span Windows::make_span(const Key& key, Group& group) {
  Exemplar& exemplar = group.exemplar;
  const bool http = key.family->http;
  Span span;
  span.trace_id = std::move(exemplar.trace_id);
  span.span_id = std::move(exemplar.span_id);
  span.parent_span_id = std::move(exemplar.parent_span_id);
  span.trace_flags = exemplar.trace_flags;
  span.trace_state = std::move(exemplar.trace_state);
  span.series = exemplar.series;
  span.start = exemplar.start;
  span.end = exemplar.end;
  span.exemplar_partial = exemplar.partial;
  span.name = semantics::span_name(*key.family, key.operation, key.target);
  span.kind = key.kind;
  span.protocol = key.family->name;
  span.resource = {key.service, key.container, std::move(exemplar.executable), exemplar.pid, exemplar.language};
  span.count = group.count;
  span.error_count = group.error_count;
  span.partial_count = group.partial_count;
  span.error = group.error_count != 0 && group.error_count == group.count;
  span.duration = statistics(group.durations, group.sketch);
  span.durations = std::move(group.durations);
  span.request_body_bytes = group.request_body_bytes;
  span.response_body_bytes = group.response_body_bytes;
  span.overflow = key.overflow;

  if (http) {
    describe_http(key, exemplar, span);
  } else {
    describe_other(key, exemplar, span);
  }
  if (span.error)
    add_text(span, "error.type", key.error.empty() && key.status >= 0 ? std::to_string(key.status) : key.error);
  if (!key.overflow) describe_network(key, exemplar, span);
  return span;
}

void Windows::describe_http(const Key& key, Exemplar& exemplar, Span& span) {
  add_text(span, "http.request.method", key.operation);
  if (key.operation == "_OTHER") add_text(span, "http.request.method_original", std::move(exemplar.operation));
  if (!key.by_route) add_text(span, "url.path", key.path);
  if (!key.overflow) add_text(span, "subfloor.route", exemplar.route);
  if (key.status >= 0) add_number(span, "http.response.status_code", key.status);
  if (key.overflow) return;
  add_text(span, "url.scheme", "http");
  add_text(span, "network.protocol.name", "http");
  add_text(span, "network.protocol.version", std::move(exemplar.version));
  add_attributes(exemplar.attributes, span);
  if (exemplar.server.empty() || key.by_route) return;  // by route, servers are merged
  if (key.kind == Kind::client && key.path.starts_with('/')) {
    const std::string port = exemplar.server_port == 0 || exemplar.server_port == 80
                                 ? std::string()
                                 : ":" + std::to_string(exemplar.server_port);
    const bool bare_ipv6 = exemplar.server.find(':') != std::string::npos && exemplar.server.front() != '[';
    add_text(span, "url.full",
             "http://" + (bare_ipv6 ? "[" + exemplar.server + "]" : exemplar.server) + port + key.path);
  }
  describe_server(exemplar, span);
}

void Windows::describe_other(const Key& key, Exemplar& exemplar, Span& span) {
  const Family& family = *key.family;
  const auto add_if_named = [&](std::string_view name, std::string value) {
    if (!name.empty()) add_text(span, name, std::move(value));
  };
  for (const Family::Constant& constant : family.constants) add_text(span, constant.key, std::string(constant.value));
  add_if_named(family.operation_key, key.operation);
  if (key.overflow) return;
  add_if_named(family.target_key, key.target);
  add_if_named(family.error_key, key.error);
  if (key.status >= 0 && family.status_text != nullptr) {
    add_if_named(family.status_key, semantics::status_text(family, key.status));
  } else if (key.status >= 0 && !family.status_key.empty()) {
    add_number(span, family.status_key, key.status);
  }
  add_text(span, "network.protocol.name", std::string(family.name));
  add_text(span, "network.protocol.version", std::move(exemplar.version));
  add_attributes(exemplar.attributes, span);
  describe_server(exemplar, span);
}

void Windows::describe_server(Exemplar& exemplar, Span& span) {
  if (exemplar.server.empty()) return;
  add_text(span, "server.address", std::move(exemplar.server));
  if (exemplar.server_port != 0) add_number(span, "server.port", exemplar.server_port);
}

void Windows::describe_network(const Key& key, const Exemplar& exemplar, Span& span) {
  add_text(span, "network.transport", std::string(semantics::transport_text(exemplar.transport)));
  const Address peer{key.peer, exemplar.remote_port};
  if (exemplar.transport == Transport::unix_stream || key.by_route || !peer.known()) return;
  add_text(span, "network.type", peer.is_ipv4() ? "ipv4" : "ipv6");
  add_text(span, "network.peer.address", peer.ip_text());
  // A client's peer is a server with a port of its own; a server's peers each come from another port.
  if (key.kind == Kind::client) add_number(span, "network.peer.port", exemplar.remote_port);
  if (key.kind == Kind::server) add_number(span, "network.local.port", exemplar.local_port);
}

}  // namespace subfloor
