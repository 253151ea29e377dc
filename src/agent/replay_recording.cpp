// SPDX-License-Identifier: Apache-2.0
#include "agent/replay_recording.h"

#include <algorithm>
#include <utility>

#include "base/byte_reader.h"

namespace subfloor::agent {
namespace {

constexpr int entries_at_once = 4096;

std::string text_in(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string("unknown");
}

std::uint64_t number_in(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

// Every number in an object of objects: what `losses` is.
std::uint64_t sum_of_numbers(const nlohmann::json& object) {
  std::uint64_t sum = 0;
  for (const auto& [key, value] : object.items()) {
    if (value.is_number_unsigned()) sum += value.get<std::uint64_t>();
    if (value.is_object()) sum += sum_of_numbers(value);
  }
  return sum;
}

const sensors::Descriptor* sensor_named(const std::string& name) {
  const auto all = sensors::all_sensors();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto* sensor) { return sensor->name == name; });
  return found == all.end() ? nullptr : *found;
}

}  // namespace

RecordingReplay::RecordingReplay(const Config& config, std::unique_ptr<recording::Reader> reader)
    : Replay(config, nullptr, Origin::recording), reader_(std::move(reader)), sockets_(pipeline()) {
  pipeline().set_steering(&steering_);
  const nlohmann::json& header = reader_->header();
  unix_offset_ = number_in(header, "unix_ns") - number_in(header, "monotonic_ns");
}

Result<std::unique_ptr<Replay>> RecordingReplay::make(const Config& config, std::unique_ptr<recording::Reader> reader) {
  std::unique_ptr<RecordingReplay> replay(new RecordingReplay(config, std::move(reader)));
  TRY(replay->make_decoders());
  return replay;
}

Result<> RecordingReplay::make_decoders() {
  const nlohmann::json& header = reader_->header();
  const auto sensors = header.find("sensors");
  if (sensors == header.end() || !sensors->is_array())
    return fail(file().name() + ": the recording does not say which sensors its records are of");
  for (const nlohmann::json& sensor : *sensors) {
    const std::string name = sensor.is_object() ? text_in(sensor, "name") : "unknown";
    const sensors::Descriptor* descriptor = sensor_named(name);
    if (descriptor == nullptr || descriptor->decoder == nullptr ||
        text_in(sensor, "format") != sensors::record_format(name))
      return fail(
          fmt::format("{}: recorded by {}, whose records of sensor '{}' this program (subfloor {}) cannot read: "
                      "replay it with that version",
                      file().name(), text_in(header, "program"), name, SUBFLOOR_VERSION));
    decoders_.push_back(descriptor->decoder(sockets_));
  }
  return {};
}

Result<bool> RecordingReplay::read_some() {
  for (int i = 0; i < entries_at_once; ++i) {
    TRY_ASSIGN(const auto entry, reader_->next());
    if (!entry) return false;
    if (!take(*entry)) ++malformed_;
  }
  return true;
}

bool RecordingReplay::take(const recording::Entry& entry) {
  switch (entry.kind) {
    case recording::EntryKind::record: return take_record(entry.content);
    case recording::EntryKind::process: {
      auto process = recording::decode_process(entry.content);
      if (!process) return false;
      pipeline().processes().on_known(*std::move(process));
      return true;
    }
    default: return take_moment(entry);
  }
}

bool RecordingReplay::take_record(std::span<const std::byte> record) {
  ++records_;
  record_header header;
  if (!ByteReader(record).read(header) || header.size != record.size() || header.sensor >= decoders_.size())
    return false;
  last_ = std::max<Nanoseconds>(last_, header.time);
  return decoders_[header.sensor]->decode(header, record);
}

bool RecordingReplay::take_moment(const recording::Entry& entry) {
  const auto moment = recording::decode_moment(entry.content);
  if (!moment) return false;
  const Nanoseconds now = moment->monotonic;
  unix_offset_ = moment->unix_time - now;
  last_ = std::max(last_, now);
  switch (entry.kind) {
    case recording::EntryKind::tick: pipeline().tick(now); return true;
    case recording::EntryKind::census_begins: pipeline().streams().begin_census(now); return true;
    case recording::EntryKind::census_ends: pipeline().streams().end_census(now); return true;
    case recording::EntryKind::stop:
      pipeline().finish(now);
      stopped_ = true;
      return true;
    default: return false;
  }
}

void RecordingReplay::finish() {
  if (!std::exchange(stopped_, true)) pipeline().finish(last_);
}

std::vector<Replay::Figure> RecordingReplay::figures() const {
  const nlohmann::json& end = reader_->end();
  const auto losses = end.find("losses");
  return {{"records", records_},
          {"malformed records", malformed_, true},
          {"records lost in the kernel", losses == end.end() ? 0 : sum_of_numbers(*losses), true},
          {"records not written", number_in(end, "dropped_entries"), true}};
}

}  // namespace subfloor::agent
