// SPDX-License-Identifier: Apache-2.0
#include "agent/agent.h"

#include <bpf/bpf.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <future>
#include <utility>

#include "agent/origin.h"
#include "agent/syscall_events.h"
#include "agent/trace_json.h"
#include "base/log.h"
#include "bpf/who.h"
#include "exporters/api/map_view.h"
#include "exporters/json/json.h"
#include "exporters/prometheus/text_format.h"

namespace subfloor::agent {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds second = 1'000'000'000;
constexpr Nanoseconds idle_drain_interval = 100'000'000;
constexpr int drains_until_idle = 50;
constexpr std::chrono::milliseconds scrape_patience{2000}, scrape_step{50};
constexpr std::string_view datagram_sensor = "udp", tls_sensor = "tls", syscall_sensor = "syscalls";
constexpr Nanoseconds patience_with_writers = second / 10;
constexpr Nanoseconds patience_with_exporters = 5 * second;
constexpr int reader_niceness = -10;
constexpr std::string_view container_sensor = "cgroup";

// What a kernel answers to a program it does not know how to run is of many kinds; the caller needs but two.
Error not_supported(Error error) {
  if (error.code != EPERM && error.code != EACCES) error.code = EOPNOTSUPP;
  return error;
}

}  // namespace

void Agent::SpanFan::on_span(const Span& span) {
  for (SpanSink* sink : sinks_) sink->on_span(span);
}

void Agent::SpanFan::finish(Nanoseconds deadline) {
  for (SpanSink* sink : sinks_) sink->finish(deadline);
}

void Agent::SpanFan::on_window_closed(const WindowSummary& summary) {
  for (SpanSink* sink : sinks_) sink->on_window_closed(summary);
}

Agent::Agent(const Config& config, Reactor& reactor, Tap* tap, bpf::Rings rings)
    : config_(config),
      reactor_(reactor),
      tap_(tap),
      started_(monotonic_now()),
      origin_(make_origin(config_.resource)),
      rings_(std::move(rings)),
      pipeline_(config_, nullptr, spans_),
      alerts_([this](std::uint32_t pid) { return pipeline_.processes().known(pid); }) {
  config_state_.loaded = started_;
}

Result<std::unique_ptr<Agent>> Agent::make(const Config& config, Reactor& reactor, Tap* tap) {
  TRY_ASSIGN(bpf::Rings rings, bpf::Rings::make(config.capture.control_ring, config.capture.data_ring));
  std::unique_ptr<Agent> agent(new Agent(config, reactor, tap, std::move(rings)));
  // Exporters first: a port in use is found before anything is attached.
  TRY(agent->start_exporters());
  TRY(agent->open_sensors());
  TRY(agent->start_reading());
  // The busier the host, the more there is to read: not to be run then loses records. It takes little, and refused it
  // is no harm.
  setpriority(PRIO_PROCESS, 0, reader_niceness);
  TRY(agent->become_unprivileged());
  TRY(agent->start_threads());
  return agent;
}

Agent::~Agent() {
  finish();
  pipeline_.set_watcher(nullptr);
  pipeline_.set_detection(nullptr);
  alerts_.engine().set_ignore({});
}

void Agent::finish() {
  if (std::exchange(finished_, true)) return;
  for (const int timer : timers_) reactor_.cancel(timer);
  if (prometheus_) prometheus_->server->set_ready(false);
  pipeline_.containers().set_ask({});
  inquiry_.reset();
  if (reader_) {
    reactor_.remove(reader_->epoll_fd());
    const Nanoseconds begun = monotonic_now();
    records_ += reader_->drain();
    // A record that a preempted program is still writing hides those behind it.
    while (reader_->hidden() && monotonic_now() < begun + patience_with_writers) records_ += reader_->drain();
    const Nanoseconds now = monotonic_now();
    pipeline_.finish(now);
    if (tap_ != nullptr) tap_->on_finish(now);
    close_window();
    spans_.finish(monotonic_now() + patience_with_exporters);
    alerts_.finish(monotonic_now() + patience_with_exporters);
    if (otlp_) otlp_->finish(metric_snapshot());
  }
  reactor_.run_posted();  // scrapes that wait get the last figures
  prometheus_.reset();
}

Result<> Agent::become_unprivileged() {
  const auto bpf_works = [this] {
    bpf_map_info info{};
    std::uint32_t size = sizeof info;
    return bpf_map_get_info_by_fd(rings_.control(), &info, &size) == 0;
  };
  const auto attach_works = [this] { return watcher_ == nullptr || watcher_->can_attach(); };
  TRY_ASSIGN(kept_, drop_privileges(bpf_works, attach_works));
  return {};
}

// What has threads starts them here, after attaching: each thread has the capabilities of the one that made it.
Result<> Agent::start_threads() {
  TRY(start_otlp());
  start_inquiry();
  if (!prometheus_) return {};
  TRY(prometheus_->server->serve());
  prometheus_->server->set_ready(true);
  return {};
}

// What is found goes to the reactor. What was asked and is still there is bounded, and so is what can be found.
void Agent::start_inquiry() {
  if (!config_.identity.asks()) return;
  const std::string socket = config_.identity.cri_socket == "auto" ? "" : config_.identity.cri_socket;
  inquiry_ = std::make_unique<identity::Inquiry>(
      identity::Inquiry::Settings{.socket = socket}, [this](identity::Finding&& finding) {
        const auto kept = std::make_shared<identity::Finding>(std::move(finding));
        reactor_.post([this, kept] {
          if (!finished_) pipeline_.containers().learn(std::move(kept->workloads), monotonic_now());
        });
      });
  pipeline_.containers().set_ask([this](const std::string& id) { inquiry_->ask(id); });
}

Result<> Agent::start_otlp() {
  TRY_ASSIGN(otlp_, OtlpExport::make(config_, origin_));
  if (!otlp_) return {};
  if (SpanSink* sink = otlp_->spans()) spans_.add(sink);
  if (!otlp_->takes_metrics()) return {};
  TRY_ASSIGN(const int timer, reactor_.every(config_.otlp.metric_interval, [this] { otlp_->add(metric_snapshot()); }));
  timers_.push_back(timer);
  return {};
}

Result<> Agent::open_sensors() {
  const auto descriptors = sensors::all_sensors();
  settings_.reserve(descriptors.size());
  for (const sensors::Descriptor* descriptor : descriptors) {
    // A pod's sidecar is not told of the node's cgroups, nor may it ask the runtime.
    if (descriptor->name == container_sensor && (!config_.identity.asks() || bpf::own_namespaces().pid != 0)) continue;
    // It would see every packet, for nothing.
    if (descriptor->name == datagram_sensor && config_.capture.dns_ports.empty()) continue;
    if (descriptor->name == tls_sensor && !config_.capture.tls) continue;
    if (descriptor->name == syscall_sensor && config_.rules.files.empty()) continue;
    // The rung that can be forced is that of the payload; other sensors have ladders of their own.
    settings_.push_back({.rung = descriptor->name == "tcp" ? config_.capture.rung : "",
                         .ports = config_.capture.stream_ports(),
                         .unix_sockets = config_.capture.unix_sockets,
                         .datagram_ports = config_.capture.dns_ports,
                         .syscalls = wanted_syscalls(alerts_.engine().wanted())});
    bpf::LadderReport report;
    const sensors::Context context{.rings = rings_,
                                   .events = pipeline_,
                                   .settings = settings_.back(),
                                   .sensor_id = static_cast<std::uint8_t>(sensors_.size())};
    auto sensor = descriptor->open(context, report);
    reports_.push_back(std::move(report));
    if (!sensor) {
      if (descriptor->name == main_sensor) return Failure(not_supported(std::move(sensor).error()));
      LOG_WARN("{}", sensor.error().message);  // the main job goes on without it, and status says what is missing
      settings_.pop_back();
      continue;
    }
    if (sensors::Steering* steering = (*sensor)->steering()) pipeline_.set_steering(steering);
    if (sensors::ProcessWatcher* watcher = (*sensor)->watcher()) {
      watcher_ = watcher;
      pipeline_.set_watcher(watcher);
    }
    if (sensors::SyscallFilter* filter = (*sensor)->syscall_filter()) {
      syscall_filter_ = filter;
      alerts_.engine().set_ignore(
          [filter](const FileName& name, std::uint8_t accesses) { filter->ignore(name, accesses); });
    }
    sensors_.push_back(std::move(*sensor));
    sensor_names_.emplace_back(descriptor->name);
  }
  return {};
}

sensors::Sensor::RecordHandler Agent::record_handler() {
  return [this](const record_header& header, std::span<const std::byte> record) {
    if (header.sensor >= sensors_.size()) return;
    sensors_[header.sensor]->handle(header, record);
    if (tap_ != nullptr) tap_->on_record(header, record);
  };
}

Result<> Agent::start_reading() {
  TRY_ASSIGN(reader_, bpf::RingReader::make(rings_, record_handler()));
  pipeline_.processes().scan();
  for (const auto& sensor : sensors_) TRY(sensor->take_stock(record_handler()));
  TRY(reactor_.watch(reader_->epoll_fd(), EPOLLIN, [this] { drain(); }));
  TRY_ASSIGN(drain_timer_, reactor_.every(config_.capture.drain_interval, [this] { drain(); }));
  timers_.push_back(drain_timer_);
  TRY_ASSIGN(const int tick, reactor_.every(second, [this] { tick(); }));
  timers_.push_back(tick);
  TRY_ASSIGN(window_timer_, reactor_.every(config_.telemetry.window, [this] { close_window(); }));
  timers_.push_back(window_timer_);
  return {};
}

Result<> Agent::start_exporters() {
  if (!config_.json.spans.empty()) {
    TRY_ASSIGN(json_, json::JsonLinesExporter::make(config_.json.spans));
    spans_.add(json_.get());
  }
  TRY(alerts_.configure(config_.rules, config_.alerts));
  pipeline_.set_detection(&alerts_.engine());
  if (!config_.api.socket.empty()) {
    const ApiServer::Handlers handlers{
        .status = [this] { return status(); },
        .format = [](std::string& out, const Observation& observation) { json::append_json(out, observation); },
        .audience = [this](bool listens) { pipeline_.set_listening(api_observer_, listens); },
        .questions = {{"map",
                       [this] {
                         return map_json(pipeline_.map().snapshot(monotonic_now(), MapBy::service, most_edges),
                                         MapBy::service);
                       }},
                      {"map_by_pod",
                       [this] {
                         return map_json(pipeline_.map().snapshot(monotonic_now(), MapBy::pod, most_edges), MapBy::pod);
                       }},
                      {"alerts", [this] { return alerts_.recent(); }},
                      {"config", [this] { return nlohmann::json{{"config", dump_config(config_, true)}}; }},
                      {"log", [] { return nlohmann::json{{"log", log::recent()}}; }}},
        .trace =
            [this](const std::string& id) { return trace_json(pipeline_.kept_calls(), pipeline_.keeps_calls(), id); },
        .brief = [this] { return brief_status(); }};
    api_observer_ = pipeline_.add_observer([this](const Observation& observation) { api_->publish(observation); });
    pipeline_.set_listening(api_observer_, false);
    TRY_ASSIGN(api_, ApiServer::make(reactor_, config_.api.socket, config_.api.group, handlers));
  }
  TRY_ASSIGN(prometheus_, make_prometheus(config_));
  return {};
}

// None where it is turned off.
Result<std::unique_ptr<Agent::Scrapes>> Agent::make_prometheus(const Config& config) {
  if (!config.prometheus.enabled) return nullptr;
  auto scrapes = std::make_unique<Scrapes>();
  // Runs in the server's threads: asks the reactor's, and does not wait for it for ever.
  const auto snapshot = [this, &over = scrapes->over]() -> std::optional<std::string> {
    const auto text = std::make_shared<std::promise<std::string>>();
    std::future<std::string> answer = text->get_future();
    reactor_.post([this, text] { text->set_value(prometheus::write_text(metric_snapshot())); });
    for (auto waited = 0ms; answer.wait_for(scrape_step) != std::future_status::ready; waited += scrape_step)
      if (over || waited >= scrape_patience) return std::nullopt;
    return answer.get();
  };
  TRY_ASSIGN(scrapes->server, prometheus::PrometheusServer::make(config.prometheus.listen.host,
                                                                 config.prometheus.listen.port, snapshot));
  return scrapes;
}

// Nobody wakes the agent for one record, so it looks: often while there is traffic, seldom while there is none.
void Agent::drain() {
  const std::size_t records = reader_->drain();
  records_ += records;
  if (watcher_ != nullptr) watcher_->work(monotonic_now());
  alerts_.flush();
  if (records > 0) {
    if (idle_drains_ >= drains_until_idle) reactor_.set_period(drain_timer_, config_.capture.drain_interval);
    idle_drains_ = 0;
  } else if (++idle_drains_ == drains_until_idle) {
    reactor_.set_period(drain_timer_, std::max(idle_drain_interval, config_.capture.drain_interval));
  }
}

// Where the control ring overflowed, sockets and processes may be gone without the agent knowing: it counts them anew.
void Agent::tick() {
  const Nanoseconds now = monotonic_now();
  pipeline_.tick(now);
  if (tap_ != nullptr) tap_->on_tick(now);
  const std::uint64_t losses = control_losses();
  if (losses == control_losses_) return;
  control_losses_ = losses;
  pipeline_.processes().reconcile(now);
  if (inquiry_) inquiry_->refresh();
  if (const Result<> taken = take_census(now); !taken) LOG_WARN("after losses: {}", taken.error().message);
}

Result<> Agent::take_census(Nanoseconds now) {
  pipeline_.streams().begin_census(now);
  if (tap_ != nullptr) tap_->on_census(true, now);
  for (const auto& sensor : sensors_) TRY(sensor->take_stock(record_handler()));
  pipeline_.streams().end_census(now);
  if (tap_ != nullptr) tap_->on_census(false, now);
  return {};
}

void Agent::close_window() {
  const double ratio = completeness_.close_window(sum_of(families()));
  pipeline_.windows().close(monotonic_now(), ratio);
}

MetricSnapshot Agent::metric_snapshot() {
  MetricSnapshot snapshot = pipeline_.metrics().snapshot(pipeline_.gauges(), report());
  pipeline_.map().append_metrics(snapshot.families);
  snapshot.start = started_;
  snapshot.time = monotonic_now();
  return snapshot;
}

}  // namespace subfloor::agent
