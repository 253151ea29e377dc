// SPDX-License-Identifier: Apache-2.0
// What the agent says of itself: for /metrics and for `subfloor status`.
#include <bpf/libbpf.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "agent/agent.h"
#include "agent/origin.h"
#include "telemetry/semantics.h"
#include "telemetry/service_name.h"

namespace subfloor::agent {
namespace {

struct Cost {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
};

Cost own_cost() {
  Cost cost;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  cost.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  std::uint64_t size = 0, resident = 0;
  if (std::ifstream("/proc/self/statm") >> size >> resident)
    cost.resident_bytes = resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return cost;
}

// Each cause of loss of one family, by its name in status and metrics.
std::array<std::pair<const char*, std::uint64_t>, 5> losses_of(const sensors::FamilyCounters& family) {
  const family_counters& counters = family.counters;
  return {{{"ring_full", counters.ring_full},
           {"no_key", counters.no_key},
           {"unreadable", counters.unreadable},
           {"map_full", counters.map_full},
           {"missed", family.missed}}};
}

}  // namespace

SeenCounters sum_of(const std::vector<sensors::FamilyCounters>& families) {
  SeenCounters sum;
  for (const sensors::FamilyCounters& family : families) {
    sum.seen += family.counters.seen + family.missed;
    sum.filtered += family.counters.filtered;
    for (const auto& [cause, count] : losses_of(family)) sum.lost += count;
  }
  return sum;
}

std::vector<sensors::FamilyCounters> Agent::families() const {
  std::vector<sensors::FamilyCounters> all;
  for (const auto& sensor : sensors_) {
    for (sensors::FamilyCounters& family : sensor->counters()) all.push_back(std::move(family));
  }
  return all;
}

// Of the families that report to the control ring.
std::uint64_t Agent::control_losses() const {
  std::uint64_t sum = 0;
  for (const sensors::FamilyCounters& family : families()) {
    if (family.on_control_ring) sum += family.counters.ring_full + family.missed;
  }
  return sum;
}

SelfReport Agent::report() const {
  SelfReport report;
  const std::vector<sensors::FamilyCounters> all = families();
  for (const sensors::FamilyCounters& family : all) {
    const family_counters& counters = family.counters;
    report.sensors.push_back({family.family, counters.seen, counters.submitted, counters.filtered, counters.bytes});
    for (const auto& [cause, count] : losses_of(family)) report.losses.push_back({family.family, cause, count});
  }
  report.completeness_window = completeness_.last_window();
  report.completeness_total = completeness_ratio(sum_of(all));
  report.records = records_;
  report.calls = pipeline_.streams().counters().calls + pipeline_.datagrams().counters().calls;
  report.merged_calls = pipeline_.windows().merged_calls();
  report.routed_calls = pipeline_.windows().routed_calls();
  report.routes = pipeline_.routes().counters();
  const Cost cost = own_cost();
  report.cpu_seconds = cost.cpu_seconds;
  report.resident_bytes = cost.resident_bytes;
  report.start_time_unix = static_cast<double>(to_unix(started_)) / 1e9;
  report.version = agent_version;
  report.exporters = exporter_reports();
  report.resource = otlp::resource_of_agent(origin_);
  return report;
}

// Something that should work does not, a rule among it. That no runtime is on this host is no such thing.
bool Agent::degraded() const {
  if (sensors_.size() < reports_.size() || alerts_.mistaken()) return true;
  if (!inquiry_) return false;
  const identity::InquiryState state = inquiry_->state();
  return !state.problem.empty() && (config_.identity.cri_socket != "auto" || !state.socket.empty());
}

// Who names containers, and for how many it is known.
nlohmann::json Agent::identity_status() const {
  nlohmann::json status = {{"containers", pipeline_.containers().size()}, {"named", pipeline_.containers().named()}};
  if (!inquiry_) return status;
  const identity::InquiryState state = inquiry_->state();
  status["socket"] = state.socket;
  status["runtime"] = state.runtime;
  status["problem"] = state.problem;
  status["questions"] = {{"asked", state.asked},
                         {"found", state.found},
                         {"unknown", state.unknown},
                         {"failures", state.failures},
                         {"dropped", state.dropped}};
  return status;
}

nlohmann::json Agent::config_status() const {
  nlohmann::json status = {{"file", config_.file},
                           {"generation", config_state_.generation},
                           {"loaded", rfc3339(to_unix(config_state_.loaded))},
                           {"waiting_for_restart", config_state_.restart}};
  if (config_state_.attempted) {
    const ConfigState::Attempt& last = config_state_.last;
    status["last_reload"] = {{"succeeded", last.succeeded},
                             {"time", rfc3339(to_unix(last.when))},
                             {"message", last.message},
                             {"applied", last.applied}};
  }
  return status;
}

std::vector<SelfReport::Exporter> Agent::exporter_reports() const {
  std::vector<SelfReport::Exporter> all = otlp_ ? otlp_->report() : std::vector<SelfReport::Exporter>{};
  if (json_) {
    const json::JsonLinesExporter::Counters& lines = json_->counters();
    all.push_back(
        {.name = "json", .sent = lines.written, .failures = lines.errors, .dropped = {{"not_written", lines.dropped}}});
  }
  return all;
}

nlohmann::json Agent::exporters_status() const {
  nlohmann::json all = otlp_ ? otlp_->details() : nlohmann::json::object();
  for (const SelfReport::Exporter& exporter : exporter_reports()) {
    nlohmann::json& one = all[exporter.name];
    one["queued"] = exporter.queued;
    one["queued_bytes"] = exporter.queued_bytes;
    one["sent"] = exporter.sent;
    one["requests"] = exporter.requests;
    one["failed"] = exporter.failures;
    one["dropped"] = nlohmann::json::object();
    for (const auto& [cause, count] : exporter.dropped) one["dropped"][std::string(cause)] = count;
  }
  return all;
}

nlohmann::json Agent::tls_status() {
  if (watcher_ == nullptr) return {{"watched", false}};
  const streams::TlsJoin::Counters& counters = pipeline_.streams().tls_counters();
  nlohmann::json files = nlohmann::json::array(), opaque = nlohmann::json::array();
  for (const sensors::WatchedFile& file : watcher_->files()) {
    nlohmann::json one{{"path", file.path}, {"processes", file.processes}};
    if (!file.library.empty()) one["library"] = file.library;
    if (!file.refused.empty()) one["refused"] = file.refused;
    files.push_back(std::move(one));
  }
  std::uint64_t connections = 0, joined = 0;
  for (const auto& [pid, use] : pipeline_.streams().tls_use()) {
    connections += use.connections;
    joined += use.joined;
    if (use.unseen == 0) continue;
    const ProcessRef process = pipeline_.processes().find(pid);
    opaque.push_back({{"pid", pid},
                      {"process", executable_name(*process)},
                      {"service", service_name(*process)},
                      {"language", to_string(process->language)},
                      {"connections", use.unseen},
                      {"reason", watcher_->why_opaque(pid)}});
  }
  return {{"watched", true},
          {"files", files},
          {"opaque", opaque},
          {"connections", connections},
          {"joined_connections", joined},
          {"sessions", counters.joined},
          {"sessions_by_length", counters.by_length},
          {"unjoined", {{"calls", counters.unjoined}, {"bytes", counters.unjoined_bytes}}}};
}

nlohmann::json Agent::brief_status() const {
  const SeenCounters sum = sum_of(families());
  nlohmann::json brief = {{"wanted", sum.seen - std::min(sum.seen, sum.filtered)}, {"lost", sum.lost}};
  for (const bpf::LadderReport& report : reports_)
    if (report.sensor == main_sensor) brief["rung"] = report.rung;
  return brief;
}

// Of calls made by processes that had requests open: how it was known for which, and why not.
nlohmann::json Agent::trace_status() const {
  const tracing::Counters& counters = pipeline_.tracer().counters();
  return {{"connected",
           {{"by_thread", counters.by_thread},
            {"by_turn", counters.by_turn},
            {"in_order", counters.in_order},
            {"by_header", counters.by_header},
            {"by_content", counters.by_content}}},
          {"unconnected",
           {{"several", counters.left_many}, {"woken", counters.left_woken}, {"unknown", counters.left_unknown}}},
          {"ends_joined", counters.ends_joined},
          {"keeps_calls", pipeline_.keeps_calls()},
          {"kept_calls", pipeline_.kept_calls().size()},
          {"exporting_processes", pipeline_.span_strategies().exporting()},
          {"spans_left_out", pipeline_.span_strategies().left_out()}};
}

nlohmann::json Agent::status() {
  nlohmann::json losses = nlohmann::json::object(), events = nlohmann::json::object();
  const std::vector<sensors::FamilyCounters> all = families();
  for (const sensors::FamilyCounters& family : all) {
    const family_counters& counters = family.counters;
    events[family.family] = {{"seen", counters.seen},
                             {"submitted", counters.submitted},
                             {"filtered", counters.filtered},
                             {"bytes", counters.bytes}};
    for (const auto& [cause, count] : losses_of(family)) losses[family.family][cause] = count;
  }
  const SeenCounters sum = sum_of(all);
  nlohmann::json sensors = nlohmann::json::array();
  for (const bpf::LadderReport& report : reports_) {
    nlohmann::json refused = nlohmann::json::array();
    for (const bpf::Refusal& refusal : report.refused)
      refused.push_back({{"rung", refusal.rung}, {"why", refusal.why}});
    sensors.push_back({{"name", report.sensor}, {"rung", report.rung}, {"lost", report.lost}, {"refused", refused}});
  }
  const Cost cost = own_cost();
  const streams::Counters& streams = pipeline_.streams().counters();
  const streams::Datagrams& flows = pipeline_.datagrams();
  const nlohmann::json datagrams{
      {"flows", flows.size()}, {"unknown", flows.counters().unknown}, {"flows_evicted", flows.counters().evicted}};
  const Routes::Counters& routes = pipeline_.routes().counters();
  return {{"version", agent_version},
          {"pid", getpid()},
          {"health", degraded()      ? "degraded"
                     : sum.lost == 0 ? "ok"
                                     : "losing"},
          {"uptime_s", static_cast<double>(monotonic_now() - started_) / 1e9},
          {"config", config_status()},
          {"capabilities", to_string(kept_)},
          {"sensors", sensors},
          {"identity", identity_status()},
          {"rules", alerts_.status()},
          {"families", events},
          {"losses", losses},
          {"completeness", {{"window", completeness_.last_window()}, {"total", completeness_ratio(sum)}}},
          {"exporters", exporters_status()},
          {"connections", pipeline_.streams().size()},
          {"streams", {{"switched_off", streams.switched_off}, {"bytes_missed", streams.bytes_missed}}},
          {"datagrams", datagrams},
          {"tls", tls_status()},
          {"map", {{"edges", pipeline_.map().edges()}, {"merged_calls", pipeline_.map().merged_calls()}}},
          {"traces", trace_status()},
          {"routes",
           {{"services", routes.services},
            {"in_use", routes.routes},
            {"merged", routes.merged},
            {"refused_calls", routes.refused}}},
          {"merged",
           {{"series_calls", pipeline_.metrics().merged_calls()},
            {"target_calls", pipeline_.metrics().merged_targets()},
            {"window_calls", pipeline_.windows().merged_calls()},
            {"window_calls_by_route", pipeline_.windows().routed_calls()}}},
          {"cost",
           {{"cpu_seconds", cost.cpu_seconds},
            {"rss_bytes", cost.resident_bytes},
            {"records", records_},
            {"calls", streams.calls + flows.counters().calls}}}};
}

}  // namespace subfloor::agent
