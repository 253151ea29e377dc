// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder.h"

#include <sys/utsname.h>

namespace subfloor::agent {
namespace {

constexpr std::size_t introduced_limit = 65536;

std::string text_of(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

void Recorder::begin(Agent& agent) {
  utsname host{};
  uname(&host);
  nlohmann::json sensors = nlohmann::json::array();
  for (const std::string& name : agent.sensor_names())
    sensors.push_back({{"name", name}, {"format", std::string(sensors::record_format(name))}});
  const Nanoseconds now = monotonic_now();
  const nlohmann::json status = agent.status();
  writer_.begin(text_of({{"program", "subfloor " SUBFLOOR_VERSION},
                         {"sensors", sensors},
                         {"attached", status.value("sensors", nlohmann::json::array())},
                         {"host", host.nodename},
                         {"kernel", std::string(host.release) + " " + host.machine},
                         {"monotonic_ns", now},
                         {"unix_ns", to_unix(now)}}));
  writer_.flush();
}

void Recorder::add(recording::EntryKind kind, std::string_view content) {
  writer_.add(kind, std::as_bytes(std::span(content)));
}

void Recorder::add_moment(recording::EntryKind kind, Nanoseconds now) {
  add(kind, recording::encode(recording::Moment{now, to_unix(now)}));
}

void Recorder::introduce(const Process& process) {
  if (introduced_.size() >= introduced_limit) introduced_.clear();
  const auto [entry, fresh] = introduced_.try_emplace(process.pid, process);
  if (!fresh && entry->second == process) return;
  entry->second = process;
  add(recording::EntryKind::process, recording::encode(process));
}

// The record that ended this call has not been written yet: so whose it is stands before it.
void Recorder::on_call(const Observation& observation) {
  ++calls_;
  introduce(observation.process);
  if (observation.peer != nullptr) introduce(*observation.peer);
}

void Recorder::on_record(const record_header& /*header*/, std::span<const std::byte> record) {
  ++records_;
  writer_.add(recording::EntryKind::record, record);
}

void Recorder::on_tick(Nanoseconds now) {
  add_moment(recording::EntryKind::tick, now);
  writer_.flush();  // so that little is lost where the recorder is killed
}

void Recorder::on_census(bool begins, Nanoseconds now) {
  add_moment(begins ? recording::EntryKind::census_begins : recording::EntryKind::census_ends, now);
}

void Recorder::on_finish(Nanoseconds now) { add_moment(recording::EntryKind::stop, now); }

Result<> Recorder::finish(const nlohmann::json& status, const std::string& reason) {
  const nlohmann::json end{{"reason", reason},
                           {"records", records_},
                           {"calls", calls_},
                           {"dropped_entries", writer_.dropped()},
                           {"losses", status.value("losses", nlohmann::json::object())},
                           {"families", status.value("families", nlohmann::json::object())},
                           {"completeness", status.value("completeness", nlohmann::json::object())}};
  return writer_.finish(text_of(end));
}

}  // namespace subfloor::agent
