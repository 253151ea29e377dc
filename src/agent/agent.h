// SPDX-License-Identifier: Apache-2.0
// The composition root: from a configuration to programs in the kernel, the pipeline and the exporters, in one reactor.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/config.h"
#include "agent/otlp.h"
#include "agent/pipeline.h"
#include "base/reactor.h"
#include "base/result.h"
#include "bpf/ladder.h"
#include "bpf/rings.h"
#include "exporters/api/server.h"
#include "exporters/json/json_lines.h"
#include "exporters/prometheus/server.h"
#include "sensors/sensor.h"
#include "telemetry/completeness.h"
#include "telemetry/self_report.h"
#include "telemetry/span.h"

namespace subfloor::agent {

// Events of all families together.
[[nodiscard]] SeenCounters sum_of(const std::vector<sensors::FamilyCounters>& families);

class Agent {
 public:
  // Attaches the sensors, takes stock of what there is, and starts the exporters that are configured. The reactor,
  // which the caller runs, outlives the agent. Errors keep the errno that decides the exit code.
  [[nodiscard]] static Result<std::unique_ptr<Agent>> make(const Config& config, Reactor& reactor);

  // Reads what the kernel still holds, ends every session, exports the last window; then detaches.
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  int add_observer(CallObserver observer) { return pipeline_.add_observer(std::move(observer)); }
  void remove_observer(int id) { pipeline_.remove_observer(id); }

  // As `subfloor status -o json` prints it.
  [[nodiscard]] nlohmann::json status();

 private:
  // Spans go to every exporter that takes them.
  class SpanFan final : public SpanSink {
   public:
    void add(SpanSink* sink) { sinks_.push_back(sink); }
    void on_span(const Span& span) override;
    void on_window_closed(const WindowSummary& summary) override;

   private:
    std::vector<SpanSink*> sinks_;
  };

  Agent(const Config& config, Reactor& reactor, bpf::Rings rings);
  Result<> open_sensors();
  Result<> start_reading();
  Result<> start_exporters();
  void drain();
  void tick();
  void close_window();
  [[nodiscard]] SelfReport report() const;
  // What every sensor counted, read from the kernel at this moment.
  [[nodiscard]] std::vector<sensors::FamilyCounters> families() const;
  [[nodiscard]] std::uint64_t control_losses() const;
  [[nodiscard]] MetricSnapshot metric_snapshot();
  [[nodiscard]] std::vector<SelfReport::Exporter> exporter_reports() const;
  [[nodiscard]] nlohmann::json exporters_status() const;

  const Config config_;
  Reactor& reactor_;
  const Nanoseconds started_;
  const otlp::Origin origin_;
  bpf::Rings rings_;
  std::unique_ptr<json::JsonLinesExporter> json_;
  std::unique_ptr<OtlpExport> otlp_;
  SpanFan spans_;
  Pipeline pipeline_;
  std::vector<sensors::Settings> settings_;  // per sensor
  std::vector<bpf::LadderReport> reports_;
  std::vector<std::unique_ptr<sensors::Sensor>> sensors_;  // by sensor id
  std::unique_ptr<bpf::RingReader> reader_;
  std::vector<int> timers_;
  int drain_timer_ = -1;
  int idle_drains_ = 0;
  std::uint64_t control_losses_ = 0;
  std::uint64_t records_ = 0;
  Completeness completeness_;
  std::unique_ptr<ApiServer> api_;
  std::unique_ptr<prometheus::PrometheusServer> prometheus_;  // last: its threads ask for metrics until it is gone
};

}  // namespace subfloor::agent
