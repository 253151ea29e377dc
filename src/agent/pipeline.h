// SPDX-License-Identifier: Apache-2.0
// Everything after the kernel: sensors' events → streams → calls → who made them → redaction → telemetry and observers.
#pragma once

#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "agent/config.h"
#include "agent/span_strategies.h"
#include "agent/trace_feed.h"
#include "detection/engine.h"
#include "identity/containers/containers.h"
#include "identity/names/names.h"
#include "identity/process/process_table.h"
#include "model/call.h"
#include "sensors/sensor.h"
#include "streams/datagrams.h"
#include "streams/streams.h"
#include "telemetry/metrics.h"
#include "telemetry/redaction.h"
#include "telemetry/routes.h"
#include "telemetry/service_map.h"
#include "telemetry/service_name.h"
#include "telemetry/trace_context.h"
#include "telemetry/windows.h"
#include "tracing/store.h"

namespace subfloor::agent {

// Receives each finished call, already redacted.
using CallObserver = std::function<void(const Observation&)>;

// Where events come from: this host's kernel as they happen, a recording of some host's kernel, or packets between
// hosts.
enum class Origin : std::uint8_t { kernel, recording, packets };

class Pipeline final : public sensors::Events, private streams::CallReceiver {
 public:
  // steering may be null. Spans go to `spans`, which outlives the pipeline, as does the steering.
  Pipeline(const Config& config, sensors::Steering* steering, SpanSink& spans, Origin origin = Origin::kernel);

  int add_observer(CallObserver observer);
  void remove_observer(int id);
  // An observer that does not listen is not called; while none does, calls cost less.
  void set_listening(int id, bool listens);

  void on_socket_opened(const sensors::SocketOpened& opened) override { streams_->on_opened(opened); }
  void on_stream_data(const sensors::StreamData& data) override {
    streams_->on_data(data);
    if (!held_.empty()) tell_held(data.end);
  }
  void on_tls_data(const sensors::TlsData& data) override { streams_->on_tls_data(data); }
  void on_tls_over(std::uint64_t session, Nanoseconds) override { streams_->on_tls_over(session); }
  void on_written_on_behalf(const sensors::OnBehalf& told) override {
    if (following_) trace_feed_.on_written_on_behalf(told);
  }
  void on_handler(const sensors::Handler& told) override {
    if (following_) trace_feed_.on_handler(told);
  }
  void on_retransmit(SocketKey key, Nanoseconds) override { streams_->on_retransmit(key); }
  void on_datagram(const sensors::Datagram& datagram) override { datagrams_.on_datagram(datagram); }
  void on_socket_closed(const sensors::SocketClosed& closed) override {
    streams_->on_closed(closed);
    datagrams_.on_closed(closed.key, closed.when);
    peer_names_.forget(closed.key);
  }
  void on_exec(Process&& process, Nanoseconds when) override;
  void on_fork(std::uint32_t parent, Process&& child, Nanoseconds when) override {
    processes_.on_fork(parent, std::move(child), when);
  }
  void on_exit(std::uint32_t pid, Nanoseconds when) override {
    if (watcher_ != nullptr) watcher_->on_exit(pid);
    streams_->forget_process(pid);
    tracer_.on_exit(pid);
    strategies_.forget(pid);
    processes_.on_exit(pid, when);
  }
  void on_syscall(const Syscall& call) override;
  void on_cgroup_created(std::string_view path, Nanoseconds when) override;
  void on_cgroup_removed(std::string_view path, Nanoseconds when) override;

  // The sensors come after the pipeline, as it takes their events; what they steer by comes after them.
  void set_steering(sensors::Steering* steering);
  // Is told of processes; outlives the pipeline's events, or is taken back with null.
  void set_watcher(sensors::ProcessWatcher* watcher) {
    watcher_ = watcher;
    if (watcher_ != nullptr) watcher_->follow_calls(following_);
  }

  // Is asked of events; outlives the pipeline, or is taken back with null.
  void set_detection(detection::Engine* engine) { detection_ = engine; }

  // Takes over what a reload may change. Right after a window was closed, where telemetry is among it.
  void reconfigure(const Config& config);

  void tick(Nanoseconds now) {
    tell_held(now);
    streams_->tick(now);
    datagrams_.tick(now);
    containers_.expire(now);
    map_.tick(now);
    if (now >= follow_until_) follow(now);
  }
  void finish(Nanoseconds now) {
    streams_->finish(now);
    datagrams_.finish(now);
    tell_held(std::numeric_limits<Nanoseconds>::max());
  }

  [[nodiscard]] identity::ProcessTable& processes() { return processes_; }
  [[nodiscard]] identity::Containers& containers() { return containers_; }
  [[nodiscard]] const identity::Containers& containers() const { return containers_; }
  [[nodiscard]] streams::Streams& streams() { return *streams_; }
  [[nodiscard]] const streams::Streams& streams() const { return *streams_; }
  [[nodiscard]] const streams::Datagrams& datagrams() const { return datagrams_; }
  [[nodiscard]] Windows& windows() { return windows_; }
  [[nodiscard]] const Windows& windows() const { return windows_; }
  [[nodiscard]] const Metrics& metrics() const { return metrics_; }
  [[nodiscard]] const ServiceMap& map() const { return map_; }
  [[nodiscard]] const Routes& routes() const { return routes_; }
  [[nodiscard]] const tracing::Tracer& tracer() const { return tracer_; }
  [[nodiscard]] bool keeps_calls() const { return following_ && kept_.keeps(); }
  [[nodiscard]] const tracing::Store& kept_calls() const { return kept_; }
  [[nodiscard]] const SpanStrategies& span_strategies() const { return strategies_; }
  [[nodiscard]] Gauges gauges();

 private:
  // What is exported as a span, metrics may point to.
  class ExemplarSink final : public SpanSink {
   public:
    ExemplarSink(Metrics& metrics, SpanSink& next) : metrics_(metrics), next_(next) {}
    [[nodiscard]] bool wanted() const override { return next_.wanted(); }
    void on_span(const Span& span) override;
    void on_window_closed(const WindowSummary& summary) override { next_.on_window_closed(summary); }

   private:
    Metrics& metrics_;
    SpanSink& next_;
  };

  // Who the process is; good until the next call.
  [[nodiscard]] const ServiceNames::Who& who(const ProcessRef& process);
  [[nodiscard]] std::string_view name_of_peer(const Call& call, const Connection& connection, const Process& process);
  void on_call(Call& call, const Connection& connection, std::uint32_t pid, std::uint32_t peer_pid) override;
  void on_tls(std::uint32_t pid) override {
    if (watcher_ != nullptr) watcher_->on_tls(pid);
  }
  void tell(Call& call, const Connection& connection, std::uint32_t pid, std::uint32_t peer_pid,
            const std::optional<tracing::Unnamed>& unnamed);
  void tell_held(Nanoseconds now);
  void follow(Nanoseconds now);
  void detect(rules::EventType type, std::uint32_t pid, Nanoseconds when, const Syscall* call);
  void tell_apart(Observation& observation, SeriesId series, const std::optional<tracing::Unnamed>& unnamed);

  streams::Settings stream_settings_;
  sensors::ProcessWatcher* watcher_ = nullptr;
  detection::Engine* detection_ = nullptr;
  identity::ProcessTable processes_;
  identity::Containers containers_;
  std::unique_ptr<streams::Streams> streams_;
  streams::Datagrams datagrams_;
  identity::Names peer_names_;
  Redactor redactor_;
  // A call that has no name before its client's end is heard of: of two processors, either may be the first to tell.
  struct Held {
    Call call;
    Connection connection;
    std::uint32_t pid, peer_pid;
    std::optional<tracing::Unnamed> unnamed;  // while somebody sees traces
  };

  std::deque<Held> held_;
  tracing::Tracer tracer_;
  TraceFeed trace_feed_;
  tracing::Store kept_;
  SpanStrategies strategies_;
  bool spans_wanted_;
  bool always_;
  bool following_ = false;  // somebody sees traces
  Nanoseconds follow_until_ = 0;
  ServiceNames names_;
  Routes routes_;
  Metrics metrics_;
  ExemplarSink exemplars_;
  Windows windows_;
  ServiceMap map_;
  struct Observer {
    CallObserver on_call;
    bool listens = true;
  };
  void count_listeners();

  std::map<int, Observer> observers_;
  std::size_t listeners_ = 0;
  int next_observer_ = 1;
};

}  // namespace subfloor::agent
