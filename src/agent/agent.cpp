// SPDX-License-Identifier: Apache-2.0
#include "agent/agent.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <future>
#include <utility>

#include "agent/origin.h"
#include "base/log.h"
#include "exporters/json/json.h"
#include "exporters/prometheus/text_format.h"

namespace subfloor::agent {
namespace {

constexpr Nanoseconds second = 1'000'000'000;
constexpr Nanoseconds idle_drain_interval = 100'000'000;
constexpr int drains_until_idle = 50;
constexpr std::chrono::seconds scrape_patience{2};
constexpr std::string_view main_sensor = "tcp";
constexpr int reader_niceness = -10;

// What a kernel answers to a program it does not know how to run is of many kinds; the caller needs but two.
Error not_supported(Error error) {
  if (error.code != EPERM && error.code != EACCES) error.code = EOPNOTSUPP;
  return error;
}

}  // namespace

void Agent::SpanFan::on_span(const Span& span) {
  for (SpanSink* sink : sinks_) sink->on_span(span);
}

void Agent::SpanFan::on_window_closed(const WindowSummary& summary) {
  for (SpanSink* sink : sinks_) sink->on_window_closed(summary);
}

Agent::Agent(const Config& config, Reactor& reactor, bpf::Rings rings)
    : config_(config),
      reactor_(reactor),
      started_(monotonic_now()),
      origin_(make_origin(config_.resource)),
      rings_(std::move(rings)),
      pipeline_(config_, nullptr, spans_) {}

Result<std::unique_ptr<Agent>> Agent::make(const Config& config, Reactor& reactor) {
  TRY_ASSIGN(bpf::Rings rings, bpf::Rings::make(config.capture.control_ring, config.capture.data_ring));
  std::unique_ptr<Agent> agent(new Agent(config, reactor, std::move(rings)));
  // Exporters first: a port in use is found before anything is attached.
  TRY(agent->start_exporters());
  TRY(agent->open_sensors());
  TRY(agent->start_reading());
  // The busier the host, the more there is to read: not to be run then loses records. It takes little, and refused it
  // is no harm.
  setpriority(PRIO_PROCESS, 0, reader_niceness);
  if (agent->prometheus_) agent->prometheus_->set_ready(true);
  return agent;
}

Agent::~Agent() {
  prometheus_.reset();
  for (const int timer : timers_) reactor_.cancel(timer);
  if (!reader_) return;
  reactor_.remove(reader_->epoll_fd());
  reader_->drain();
  pipeline_.finish(monotonic_now());
  close_window();
  if (otlp_) otlp_->finish(metric_snapshot());
}

Result<> Agent::open_sensors() {
  const auto descriptors = sensors::all_sensors();
  settings_.reserve(descriptors.size());
  for (const sensors::Descriptor* descriptor : descriptors) {
    // The rung that can be forced is that of the payload; other sensors have ladders of their own.
    settings_.push_back({.rung = descriptor->name == "tcp" ? config_.capture.rung : "",
                         .ports = config_.capture.ports.resolve(),
                         .unix_sockets = config_.capture.unix_sockets});
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
      continue;
    }
    if (sensors::Steering* steering = (*sensor)->steering()) pipeline_.set_steering(steering);
    sensors_.push_back(std::move(*sensor));
  }
  return {};
}

Result<> Agent::start_reading() {
  TRY_ASSIGN(reader_,
             bpf::RingReader::make(rings_, [this](const record_header& header, std::span<const std::byte> record) {
               if (header.sensor < sensors_.size()) sensors_[header.sensor]->handle(header, record);
             }));
  pipeline_.processes().scan();
  for (const auto& sensor : sensors_) TRY(sensor->take_stock());
  TRY(reactor_.watch(reader_->epoll_fd(), EPOLLIN, [this] { drain(); }));
  TRY_ASSIGN(drain_timer_, reactor_.every(config_.capture.drain_interval, [this] { drain(); }));
  timers_.push_back(drain_timer_);
  TRY_ASSIGN(const int tick, reactor_.every(second, [this] { tick(); }));
  timers_.push_back(tick);
  const Nanoseconds window = config_.telemetry.window > 0 ? config_.telemetry.window : 5 * second;
  TRY_ASSIGN(const int windows, reactor_.every(window, [this] { close_window(); }));
  timers_.push_back(windows);
  return {};
}

Result<> Agent::start_exporters() {
  if (!config_.json.spans.empty()) {
    TRY_ASSIGN(json_, json::JsonLinesExporter::make(config_.json.spans));
    spans_.add(json_.get());
  }
  TRY_ASSIGN(otlp_, OtlpExport::make(config_, origin_));
  if (otlp_) {
    if (SpanSink* sink = otlp_->spans()) spans_.add(sink);
    if (otlp_->takes_metrics()) {
      const auto send = [this] { otlp_->add(metric_snapshot()); };
      TRY_ASSIGN(const int timer, reactor_.every(config_.otlp.metric_interval, send));
      timers_.push_back(timer);
    }
  }
  if (!config_.api.socket.empty()) {
    const ApiServer::Handlers handlers{
        .status = [this] { return status(); },
        .format = [](std::string& out, const Observation& observation) { json::append_json(out, observation); }};
    TRY_ASSIGN(api_, ApiServer::make(reactor_, config_.api.socket, config_.api.group, handlers));
    pipeline_.add_observer([this](const Observation& observation) { api_->publish(observation); });
  }
  if (config_.prometheus.enabled) {
    // Runs in the server's threads: asks the reactor's, and does not wait for it for ever.
    const auto snapshot = [this]() -> std::optional<std::string> {
      const auto text = std::make_shared<std::promise<std::string>>();
      std::future<std::string> answer = text->get_future();
      reactor_.post([this, text] { text->set_value(prometheus::write_text(metric_snapshot())); });
      if (answer.wait_for(scrape_patience) != std::future_status::ready) return std::nullopt;
      return answer.get();
    };
    TRY_ASSIGN(prometheus_, prometheus::PrometheusServer::make(config_.prometheus.listen.host,
                                                               config_.prometheus.listen.port, snapshot));
  }
  return {};
}

// Nobody wakes the agent for one record, so it looks: often while there is traffic, seldom while there is none.
void Agent::drain() {
  const std::size_t records = reader_->drain();
  records_ += records;
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
  const std::uint64_t losses = control_losses();
  if (losses == control_losses_) return;
  control_losses_ = losses;
  pipeline_.processes().reconcile(now);
  pipeline_.streams().begin_census(now);
  bool complete = true;
  for (const auto& sensor : sensors_) {
    const Result<> taken = sensor->take_stock();
    if (!taken) LOG_WARN("after losses: {}", taken.error().message);
    complete = complete && taken;
  }
  if (complete) pipeline_.streams().end_census(now);
}

void Agent::close_window() {
  const double ratio = completeness_.close_window(sum_of(families()));
  spans_.on_window_closed(pipeline_.windows().close(monotonic_now(), ratio));
}

MetricSnapshot Agent::metric_snapshot() {
  MetricSnapshot snapshot = pipeline_.metrics().snapshot(pipeline_.gauges(), report());
  snapshot.start = started_;
  snapshot.time = monotonic_now();
  return snapshot;
}

}  // namespace subfloor::agent
