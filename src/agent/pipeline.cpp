// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline.h"

#include <utility>

#include "telemetry/service_name.h"

namespace subfloor::agent {

namespace {

RedactionOptions redaction_of(const Config& config) {
  return {.headers = config.redaction.headers, .query_keys = config.redaction.query};
}

WindowOptions windows_of(const Config& config) {
  return {.window = config.telemetry.effective_window(), .max_groups = config.telemetry.max_groups};
}

}  // namespace

Pipeline::Pipeline(const Config& config, sensors::Steering* steering, SpanSink& spans, Origin origin)
    : stream_settings_{.protocols = protocols::all_protocols(),
                       .header_limit = config.capture.header_limit,
                       .on_the_wire = origin == Origin::packets},
      processes_({.proc = origin == Origin::kernel ? "/proc" : ""}),
      redactor_(redaction_of(config)),
      windows_(windows_of(config), monotonic_now(), spans),
      metrics_({.convention = config.metrics.convention, .max_series = config.telemetry.max_groups}) {
  set_steering(steering);
}

void Pipeline::set_steering(sensors::Steering* steering) {
  stream_settings_.keep_headers = listeners_ > 0;
  streams::CallReceiver& receiver = *this;
  streams_ = std::make_unique<streams::Streams>(stream_settings_, steering, receiver);
}

void Pipeline::reconfigure(const Config& config) {
  stream_settings_.header_limit = config.capture.header_limit;
  streams_->set_header_limit(config.capture.header_limit);
  redactor_ = Redactor(redaction_of(config));
  windows_.set_options(windows_of(config));
  metrics_.set_max_series(config.telemetry.max_groups);
}

int Pipeline::add_observer(CallObserver observer) {
  observers_.emplace(next_observer_, Observer{std::move(observer)});
  count_listeners();
  return next_observer_++;
}

void Pipeline::remove_observer(int id) {
  observers_.erase(id);
  count_listeners();
}

void Pipeline::set_listening(int id, bool listens) {
  observers_.at(id).listens = listens;
  count_listeners();
}

void Pipeline::count_listeners() {
  listeners_ = 0;
  for (const auto& [id, observer] : observers_) listeners_ += observer.listens ? 1 : 0;
  streams_->keep_headers(listeners_ > 0);
}

void Pipeline::on_call(Call& call, const Connection& connection, std::uint32_t pid, std::uint32_t peer_pid) {
  if (listeners_ == 0 && !windows_.keeps_queries()) call.query.clear();  // so that it need not be redacted
  redactor_.apply(call);
  const ProcessRef process = processes_.find(pid);
  const ProcessRef peer = peer_pid == 0 ? nullptr : processes_.find(peer_pid);
  const std::optional<TraceContext> context = extract_trace_context(call.request_headers);
  const bool continued = context && context->has_ids();
  const IdGenerator::TraceId trace = continued ? context->trace_digits : ids_.trace_id();
  const IdGenerator::SpanId span = ids_.span_id();
  const Observation observation{.call = call,
                                .connection = connection,
                                .process = *process,
                                .peer = peer.get(),
                                .trace_id = {trace.data(), trace.size()},
                                .span_id = {span.data(), span.size()},
                                .parent_span_id = continued ? context->span_id() : std::string_view{},
                                .service = service_name(*process)};
  windows_.add(observation);
  metrics_.add(observation);
  for (const auto& [id, observer] : observers_) {
    if (observer.listens) observer.on_call(observation);
  }
}

Gauges Pipeline::gauges() {
  Gauges gauges;
  for (const Kind kind : {Kind::server, Kind::client})
    gauges.requests.push_back({.service = "", .protocol = "http1", .kind = kind, .active = streams_->active(kind)});
  std::map<std::string, std::uint64_t> by_service;
  for (const auto& [pid, count] : streams_->connections_by_pid())
    by_service[pid == 0 ? "unknown" : std::string(service_name(*processes_.find(pid)))] += count;
  for (const auto& [service, count] : by_service)
    gauges.connections.push_back({.service = service, .kind = std::nullopt, .active = count});
  if (by_service.empty()) gauges.connections.push_back({.service = "", .kind = std::nullopt, .active = 0});
  return gauges;
}

}  // namespace subfloor::agent
