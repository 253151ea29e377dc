// SPDX-License-Identifier: Apache-2.0
// The composition root: from a configuration to programs in the kernel, the pipeline and the exporters, in one reactor.
#pragma once

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "agent/alerts.h"
#include "agent/config.h"
#include "agent/otlp.h"
#include "agent/pipeline.h"
#include "agent/privileges.h"
#include "agent/reload.h"
#include "base/reactor.h"
#include "base/result.h"
#include "bpf/ladder.h"
#include "bpf/rings.h"
#include "exporters/api/server.h"
#include "exporters/json/json_lines.h"
#include "exporters/prometheus/server.h"
#include "identity/containers/inquiry.h"
#include "sensors/sensor.h"
#include "telemetry/completeness.h"
#include "telemetry/self_report.h"
#include "telemetry/span.h"

namespace subfloor::agent {

// Without it, there is nothing to tell.
inline constexpr std::string_view main_sensor = "tcp";

// Events of all families together.
[[nodiscard]] SeenCounters sum_of(const std::vector<sensors::FamilyCounters>& families);

// Is told of everything that goes into the pipeline, in that order, each after the pipeline has had it: after calls
// that came of it have been observed.
class Tap {
 public:
  virtual void on_record(const record_header& header, std::span<const std::byte> record) = 0;
  virtual void on_tick(Nanoseconds now) = 0;
  virtual void on_census(bool begins, Nanoseconds now) = 0;
  virtual void on_finish(Nanoseconds now) = 0;

 protected:
  ~Tap() = default;
};

class Agent {
 public:
  // Attaches the sensors, takes stock of what there is, and starts the exporters that are configured. The reactor,
  // which the caller runs, outlives the agent. Errors keep the errno that decides the exit code.
  // The tap, where there is one, outlives it too.
  [[nodiscard]] static Result<std::unique_ptr<Agent>> make(const Config& config, Reactor& reactor, Tap* tap = nullptr);

  // finish(), then detaches.
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  int add_observer(CallObserver observer) { return pipeline_.add_observer(std::move(observer)); }
  void remove_observer(int id) { pipeline_.remove_observer(id); }

  // Takes over a configuration while calls go on: all that can be taken over of it, or, where any of that fails,
  // nothing. What came of it is in the log, in status(), and returned.
  const ConfigState& reload(const Result<Config>& wanted);
  [[nodiscard]] const ConfigState& config_state() const { return config_state_; }

  // Reads what the kernel still holds, ends every session, closes the last window and gives exporters some seconds to
  // deliver it. Once; nothing is observed afterwards.
  void finish();

  // As `subfloor status -o json` prints it.
  [[nodiscard]] nlohmann::json status();
  // The part of it that live views show: {"rung":…,"wanted":…,"lost":…}, records since the start.
  [[nodiscard]] nlohmann::json brief_status() const;
  // Names of the sensors that are attached, by the id in their records.
  [[nodiscard]] const std::vector<std::string>& sensor_names() const { return sensor_names_; }

 private:
  // The server that is scraped. When it goes, it does not wait for answers that this reactor still owes it.
  struct Scrapes {
    std::atomic<bool> over{false};
    std::unique_ptr<prometheus::PrometheusServer> server;
    ~Scrapes() { over = true; }
  };

  // Spans go to every exporter that takes them.
  class SpanFan final : public SpanSink {
   public:
    void add(SpanSink* sink) { sinks_.push_back(sink); }
    void remove(const SpanSink* sink) { std::erase(sinks_, sink); }
    [[nodiscard]] bool wanted() const override { return !sinks_.empty(); }
    void on_span(const Span& span) override;
    void on_window_closed(const WindowSummary& summary) override;
    void finish(Nanoseconds deadline) override;

   private:
    std::vector<SpanSink*> sinks_;
  };

  Agent(const Config& config, Reactor& reactor, Tap* tap, bpf::Rings rings);
  Result<> open_sensors();
  Result<> become_unprivileged();
  Result<> start_threads();
  Result<> start_otlp();
  void start_inquiry();
  Result<> start_reading();
  Result<> start_exporters();
  [[nodiscard]] Result<std::unique_ptr<Scrapes>> make_prometheus(const Config& config);
  Result<> take_over(const ConfigChange& change);
  Result<> change_ports(const CaptureConfig& capture);
  Result<> change_rules(const Config& next);
  Result<> take_census(Nanoseconds now);
  [[nodiscard]] sensors::Sensor::RecordHandler record_handler();
  void drain();
  void tick();
  void close_window();
  [[nodiscard]] SelfReport report() const;
  // What every sensor counted, read from the kernel at this moment.
  [[nodiscard]] std::vector<sensors::FamilyCounters> families() const;
  [[nodiscard]] std::uint64_t control_losses() const;
  [[nodiscard]] nlohmann::json config_status() const;
  [[nodiscard]] bool degraded() const;
  [[nodiscard]] nlohmann::json identity_status() const;
  [[nodiscard]] nlohmann::json tls_status();
  [[nodiscard]] nlohmann::json trace_status() const;
  [[nodiscard]] MetricSnapshot metric_snapshot();
  [[nodiscard]] std::vector<SelfReport::Exporter> exporter_reports() const;
  [[nodiscard]] nlohmann::json exporters_status() const;

  Config config_;  // replaced as a whole, by reload()
  ConfigState config_state_;
  bpf::CapabilitySet kept_;
  Reactor& reactor_;
  Tap* const tap_;
  const Nanoseconds started_;
  const otlp::Origin origin_;
  bpf::Rings rings_;
  std::unique_ptr<json::JsonLinesExporter> json_;
  std::unique_ptr<OtlpExport> otlp_;
  SpanFan spans_;
  Pipeline pipeline_;
  Alerts alerts_;
  std::vector<sensors::Settings> settings_;  // per sensor
  std::vector<bpf::LadderReport> reports_;
  std::vector<std::unique_ptr<sensors::Sensor>> sensors_;  // by sensor id
  sensors::ProcessWatcher* watcher_ = nullptr;  // one of the sensors, or none
  sensors::SyscallFilter* syscall_filter_ = nullptr;  // likewise
  std::vector<std::string> sensor_names_;  // likewise
  std::unique_ptr<bpf::RingReader> reader_;
  std::unique_ptr<identity::Inquiry> inquiry_;
  std::vector<int> timers_;
  int drain_timer_ = -1, window_timer_ = -1;
  bool finished_ = false;
  int idle_drains_ = 0;
  std::uint64_t control_losses_ = 0;
  std::uint64_t records_ = 0;
  Completeness completeness_;
  int api_observer_ = 0;
  std::unique_ptr<ApiServer> api_;
  std::unique_ptr<Scrapes> prometheus_;  // late: its threads ask for metrics until it is gone
  std::jthread retired_;  // lets go of one that a reload replaced
};

}  // namespace subfloor::agent
