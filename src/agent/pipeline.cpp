// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline.h"

#include <algorithm>
#include <utility>

#include "agent/syscall_events.h"
#include "base/secret.h"
#include "identity/process/container_id.h"
#include "telemetry/service_name.h"

namespace subfloor::agent {
namespace {

constexpr std::size_t held_limit = 1024;
constexpr Nanoseconds held_for = 50'000'000;
constexpr Nanoseconds trace_patience = 60'000'000'000;  // after the last observer, who may ask for what was seen

// What we send to a collector on this host we see again, as its requests.
std::vector<std::string> secret_headers(const Config& config) {
  std::vector<std::string> names = config.redaction.headers;
  for (const otlp::Settings* settings : {&config.otlp.all, &config.otlp.traces, &config.otlp.metrics})
    for (const auto& [name, value] : settings->headers.value_or(otlp::Headers{})) names.push_back(name);
  return names;
}

RedactionOptions redaction_of(const Config& config) {
  return {.headers = secret_headers(config), .query_keys = config.redaction.query};
}

RouteOptions routes_of(const Config& config) {
  return {.max_routes = config.telemetry.max_routes, .max_services = config.telemetry.max_routes};
}

bool exports_spans(const Config& config) {
  return !config.json.spans.empty() || config.otlp.exports(otlp::Signal::traces);
}

WindowOptions windows_of(const Config& config) {
  return {.window = config.telemetry.effective_window(), .max_groups = config.telemetry.max_groups};
}

}  // namespace

void Pipeline::ExemplarSink::on_span(const Span& span) {
  if (span.series != no_series && span.trace_id.size() == 32 && span.span_id.size() == 16) {
    Exemplar exemplar{.time = span.end};
    std::copy_n(span.trace_id.begin(), exemplar.trace_id.size(), exemplar.trace_id.begin());
    std::copy_n(span.span_id.begin(), exemplar.span_id.size(), exemplar.span_id.begin());
    metrics_.exemplify(span.series, span.end - span.start, exemplar);
  }
  next_.on_span(span);
}

Pipeline::Pipeline(const Config& config, sensors::Steering* steering, SpanSink& spans, Origin origin)
    : stream_settings_{.protocols = protocols::all_protocols(),
                       .header_limit = config.capture.header_limit,
                       .extras = config.capture.extras,
                       .on_the_wire = origin == Origin::packets,
                       .tls = config.capture.tls},
      processes_({.proc = origin == Origin::kernel ? "/proc" : ""}),
      datagrams_(stream_settings_, *this),
      redactor_(redaction_of(config)),
      tracer_([this](std::uint32_t pid) { return style_of(*processes_.find(pid)); }),
      trace_feed_(tracer_),
      kept_(config.traces.keep),
      strategies_(config.traces),
      spans_wanted_(exports_spans(config) || origin != Origin::kernel),
      always_(config.traces.always),
      routes_(routes_of(config)),
      metrics_({.convention = config.metrics.convention,
                .max_series = config.telemetry.max_groups,
                .max_targets = config.telemetry.max_targets,
                .exemplars = config.otlp.exports(otlp::Signal::metrics) && config.otlp.exports(otlp::Signal::traces)}),
      exemplars_(metrics_, spans),
      windows_(windows_of(config), monotonic_now(), exemplars_),
      map_({.max_edges = config.telemetry.max_edges}, monotonic_now()) {
  windows_.set_workloads([this](const std::string& id) { return containers_.find(id); });
  set_steering(steering);
}

void Pipeline::set_steering(sensors::Steering* steering) {
  stream_settings_.keep_headers = listeners_ > 0;
  streams::CallReceiver& receiver = *this;
  streams_ = std::make_unique<streams::Streams>(stream_settings_, steering, receiver);
  following_ = false;
  follow(monotonic_now());
}

void Pipeline::reconfigure(const Config& config) {
  stream_settings_.header_limit = config.capture.header_limit;
  streams_->set_header_limit(config.capture.header_limit);
  stream_settings_.extras = config.capture.extras;
  streams_->set_extras(config.capture.extras);
  datagrams_.set_extras(config.capture.extras);
  redactor_ = Redactor(redaction_of(config));
  windows_.set_options(windows_of(config));
  strategies_.configure(config.traces);
  spans_wanted_ = spans_wanted_ || exports_spans(config);
  always_ = config.traces.always;
  follow(monotonic_now());
  metrics_.set_limits(config.telemetry.max_groups, config.telemetry.max_targets);
  routes_.set_options(routes_of(config));
  map_.set_options({.max_edges = config.telemetry.max_edges});
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
  const Nanoseconds now = monotonic_now();
  if (kept_.keeps()) follow_until_ = now + trace_patience;
  follow(now);
}

void Pipeline::on_exec(Process&& process, Nanoseconds when) {
  using rules::operator""_event;
  const std::uint32_t pid = process.pid;
  if (watcher_ != nullptr) watcher_->on_exec(pid);
  processes_.on_exec(std::move(process), when);
  if (detection_ != nullptr && detection_->wants("execve"_event)) detect("execve"_event, pid, when, nullptr);
}

// A request to io_uring may still be refused, and its path be another by then: it is not told as if it were done.
void Pipeline::on_syscall(const Syscall& call) {
  if (detection_ == nullptr || !call.result_known) return;
  if (const auto type = event_type_of(call); type && detection_->wants(*type))
    detect(*type, call.pid, call.when, &call);
}

void Pipeline::detect(rules::EventType type, std::uint32_t pid, Nanoseconds when, const Syscall* call) {
  const ProcessRef process = processes_.known(pid);
  containers_.want(process->container_id, when);
  detection_->on_event({.type = type,
                        .when = when,
                        .result = call == nullptr ? 0 : call->result,
                        .syscall = call,
                        .process = process,
                        .workload = containers_.find(process->container_id)});
}

void Pipeline::on_cgroup_created(std::string_view path, Nanoseconds when) {
  containers_.want(identity::container_id(path), when);
}

// A cgroup that the container made for itself is not the container.
void Pipeline::on_cgroup_removed(std::string_view path, Nanoseconds when) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (const std::string id = identity::container_id(name); !id.empty()) containers_.on_removed(id, when);
}

const ServiceNames::Who& Pipeline::who(const ProcessRef& process) {
  return names_.of(process, containers_.generation(), [this](const Process& of) {
    containers_.want(of.container_id, monotonic_now());
    return containers_.find(of.container_id);
  });
}

// Connecting calls costs something for each transfer: it is done while somebody sees what comes of it.
void Pipeline::follow(Nanoseconds now) {
  const bool wanted = spans_wanted_ || (always_ && kept_.keeps()) || listeners_ > 0 || now < follow_until_;
  if (std::exchange(following_, wanted) == wanted) return;
  streams_->set_follower(wanted ? &trace_feed_ : nullptr);
  if (watcher_ != nullptr) watcher_->follow_calls(wanted);
  if (!wanted) tracer_.clear();
}

// Clients' responses say what addresses are called, and clients' calls go to such addresses.
std::string_view Pipeline::name_of_peer(const Call& call, const Connection& connection, const Process& process) {
  if (call.kind != Kind::client) return {};
  const identity::Asker asker = identity::asker_of(process);
  for (const Resolution& resolution : call.resolutions)
    peer_names_.learn(resolution, asker, connection.net_namespace, call.end);
  if (peer_names_.size() == 0) return {};
  if (const auto known = peer_names_.remembered(connection.key)) return *known;
  const identity::Asker parent =
      process.parent_pid == 0 ? identity::Asker{} : identity::asker_of(*processes_.find(process.parent_pid));
  return peer_names_.of(connection, asker, parent, call.start);
}

void Pipeline::on_call(Call& call, const Connection& connection, std::uint32_t pid, std::uint32_t peer_pid) {
  if (!held_.empty()) tell_held(call.end);
  std::optional<tracing::Unnamed> unnamed;
  if (following_) unnamed = trace_feed_.on_call(call, connection);
  if (listeners_ == 0 && !windows_.keeps_queries()) wipe(call.query);  // so that it need not be redacted
  redactor_.apply(call);  // before anything is copied
  // A connection's calls are told in their order.
  const auto of_same = [&connection](const Held& held) { return held.connection.key == connection.key; };
  const bool waits = (unnamed && tracer_.better_wait(*unnamed)) || std::ranges::any_of(held_, of_same);
  if (waits && held_.size() < held_limit)
    held_.push_back({call, connection, pid, peer_pid, std::move(unnamed)});
  else
    tell(call, connection, pid, peer_pid, unnamed);
}

void Pipeline::tell_held(Nanoseconds now) {
  while (!held_.empty()) {
    const Held& oldest = held_.front();
    const bool waits = oldest.unnamed && tracer_.better_wait(*oldest.unnamed);
    if (waits && now < oldest.call.end + held_for) return;
    if (waits) tracer_.waited_in_vain(*oldest.unnamed);
    Held held = std::move(held_.front());
    held_.pop_front();
    tell(held.call, held.connection, held.pid, held.peer_pid, held.unnamed);
  }
}

void Pipeline::tell(Call& call, const Connection& connection, std::uint32_t pid, std::uint32_t peer_pid,
                    const std::optional<tracing::Unnamed>& unnamed) {
  const ProcessRef process = processes_.find(pid);
  const bool peer_wanted = listeners_ > 0 || map_.on();
  const ProcessRef peer = peer_pid == 0 || !peer_wanted ? nullptr : processes_.find(peer_pid);
  // The peer first: both may share a place among the names remembered.
  WorkloadRef peer_workload;
  std::string peer_service;
  if (peer) {
    const ServiceNames::Who& of_peer = who(peer);
    peer_service = of_peer.service;
    peer_workload = of_peer.workload;
  } else if (peer_wanted) {
    peer_workload = containers_.at(connection.remote.ip);
    if (peer_workload) peer_service = service_name(*peer_workload);
  }
  const ServiceNames::Who& own = who(process);
  const bool http = call.protocol->family->http;
  Observation observation{.call = call,
                          .connection = connection,
                          .process = *process,
                          .peer = peer.get(),
                          .service = own.service,
                          .route = http ? routes_.of(own.service, call) : std::string_view{},
                          .server_name = name_of_peer(call, connection, *process),
                          .workload = own.workload,
                          .peer_workload = peer_workload,
                          .peer_service = peer_service};
  const SeriesId series = metrics_.add(observation);
  map_.add(observation);
  if (unnamed || exemplars_.wanted()) tell_apart(observation, series, unnamed);
}

// To those who tell calls apart, which metrics do not.
void Pipeline::tell_apart(Observation& observation, SeriesId series, const std::optional<tracing::Unnamed>& unnamed) {
  const std::optional<TraceContext> context = extract_trace_context(observation.call.request_headers);
  const Call& call = observation.call;
  const tracing::Names names = unnamed ? tracer_.name(*unnamed) : tracing::Names{};
  const TraceText trace(names);
  observation.trace_id = trace.id();
  observation.span_id = trace.span();
  observation.parent_span_id = trace.parent();
  observation.trace_flags = trace.flags;
  if (context && context->has_ids()) observation.trace_state = context->state;
  if (strategies_.takes(call, observation.process, observation.service) && exemplars_.wanted())
    windows_.add(observation, series);
  kept_.add(observation, names.trace, names.span, names.parent);
  for (const auto& [id, observer] : observers_) {
    if (observer.listens) observer.on_call(observation);
  }
}

Gauges Pipeline::gauges() {
  Gauges gauges;
  auto active = streams_->active();
  datagrams_.add_active(active);
  active.try_emplace(&http_family);  // there whether or not anybody speaks it
  for (const auto& [family, counts] : active) {
    for (const Kind kind : {Kind::server, Kind::client}) {
      gauges.requests.push_back(
          {.service = "", .family = family, .kind = kind, .active = counts[static_cast<std::size_t>(kind)]});
    }
  }
  std::map<std::string, std::uint64_t> by_service;
  for (const auto& [pid, count] : streams_->connections_by_pid())
    by_service[pid == 0 ? "unknown" : std::string(who(processes_.find(pid)).service)] += count;
  for (const auto& [service, count] : by_service)
    gauges.connections.push_back({.service = service, .kind = std::nullopt, .active = count});
  if (by_service.empty()) gauges.connections.push_back({.service = "", .kind = std::nullopt, .active = 0});
  return gauges;
}

}  // namespace subfloor::agent
