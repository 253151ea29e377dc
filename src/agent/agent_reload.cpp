// SPDX-License-Identifier: Apache-2.0
// A running agent takes over another configuration. First everything that can fail, then what cannot.
#include <utility>

#include "agent/agent.h"
#include "agent/syscall_events.h"
#include "base/log.h"

namespace subfloor::agent {
namespace {

constexpr Nanoseconds patience_with_replaced = 100'000'000;  // for an exporter whose place another takes

}  // namespace

const ConfigState& Agent::reload(const Result<Config>& wanted) {
  ConfigState::Attempt& last = config_state_.last;
  last = {.succeeded = false, .when = monotonic_now(), .message = "", .applied = {}};
  config_state_.attempted = true;
  ConfigChange change;
  Result<> taken = wanted ? Result<>() : Failure(wanted.error());
  if (wanted) {
    change = compare_configs(config_, *wanted);
    taken = take_over(change);
  }
  if (!taken) {
    last.message = taken.error().message;
    LOG_ERROR("configuration not reloaded, the old one stays in force: {}", last.message);
    return config_state_;
  }
  config_ = std::move(change.effective);
  last.succeeded = true;
  last.applied = std::move(change.applied);
  ++config_state_.generation;
  config_state_.loaded = last.when;
  config_state_.restart = std::move(change.restart);
  LOG_INFO("configuration reloaded, generation {}; changed: {}", config_state_.generation,
           last.applied.empty() ? "nothing" : join(last.applied));
  if (!config_state_.restart.empty())
    LOG_WARN("these changes need a restart, until then the old values stay: {}", join(config_state_.restart));
  return config_state_;
}

Result<> Agent::take_over(const ConfigChange& change) {
  const Config& next = change.effective;
  std::unique_ptr<json::JsonLinesExporter> json;
  std::unique_ptr<Scrapes> prometheus;
  const bool other_server = change.applies("prometheus");
  if (!next.json.spans.empty()) {
    TRY_ASSIGN(json, json::JsonLinesExporter::make(next.json.spans));
  }
  if (other_server) {
    retired_ = {};  // it may hold the address that is wanted again
    TRY_ASSIGN(prometheus, make_prometheus(next));
    if (prometheus) TRY(prometheus->server->serve());
  }
  if (change.applies("capture.ports") || change.applies("capture.dns_ports")) TRY(change_ports(next.capture));
  TRY(change_rules(next));

  if (change.applies("telemetry")) {
    close_window();  // its spans belong to the old settings
    reactor_.set_period(window_timer_, next.telemetry.window);
  }
  if (json_) {
    spans_.remove(json_.get());
    json_->finish(monotonic_now() + patience_with_replaced);
  }
  json_ = std::move(json);
  if (json_) spans_.add(json_.get());
  pipeline_.reconfigure(next);
  reactor_.set_period(drain_timer_, next.capture.drain_interval);
  idle_drains_ = 0;
  log::set_level(next.log.level);
  if (other_server) {
    if (prometheus) prometheus->server->set_ready(true);
    std::swap(prometheus_, prometheus);
    // It waits for slow clients, for which this thread has no time.
    if (prometheus) retired_ = std::jthread([old = std::move(prometheus)]() mutable { old.reset(); });
  }
  return {};
}

// Files may have changed though their names did not.
Result<> Agent::change_rules(const Config& next) {
  TRY(alerts_.configure(next.rules, next.alerts));
  if (syscall_filter_ == nullptr) {
    if (!next.rules.files.empty()) LOG_WARN("rules: system calls are watched from the next start on");
    return {};
  }
  syscall_filter_->forget_all();
  for (std::size_t i = 0; i < sensors_.size(); ++i) {
    if (sensors_[i]->syscall_filter() == nullptr) continue;
    settings_[i].syscalls = wanted_syscalls(alerts_.engine().wanted());
    TRY(sensors_[i]->reconfigure(settings_[i]));
  }
  return {};
}

// Sockets that are wanted now are told of by a census; those that no longer are, it finds gone.
Result<> Agent::change_ports(const CaptureConfig& capture) {
  if (config_.capture.dns_ports.empty() && !capture.dns_ports.empty())
    LOG_WARN("capture.dns_ports: datagrams are watched from the next start on");
  for (std::size_t i = 0; i < sensors_.size(); ++i) {
    sensors::Settings settings = settings_[i];
    settings.ports = capture.stream_ports();
    settings.datagram_ports = capture.dns_ports;
    TRY(sensors_[i]->reconfigure(settings));
    settings_[i] = std::move(settings);
  }
  records_ += reader_->drain();
  if (const Result<> taken = take_census(monotonic_now()); !taken)
    LOG_WARN("after a change of ports: {}", taken.error().message);
  return {};
}

}  // namespace subfloor::agent
