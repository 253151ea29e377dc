// SPDX-License-Identifier: Apache-2.0
// All of replay: the input is a capture, or, after a byte 'R', the entries of a recording, which get a header and right
// checksums here. Each call must come out as JSON that can be parsed.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "agent/replay.h"
#include "exporters/json/json.h"
#include "recording/block.h"
#include "sensors/sensor.h"
#include "support/memory_file.h"

namespace {

using namespace subfloor;

std::string recording_of(std::string_view entries) {
  using recording::BlockKind;
  nlohmann::json header{{"program", "fuzz"}, {"unix_ns", 1'700'000'000'000'000'000ULL}, {"monotonic_ns", 1}};
  for (const char* sensor : {"process", "tcp", "udp"})
    header["sensors"].push_back({{"name", sensor}, {"format", std::string(sensors::record_format(sensor))}});
  return recording::encode_file_start() + encode_block(BlockKind::header, header.dump()) +
         encode_block(BlockKind::entries, entries) + encode_block(BlockKind::end, "{}");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  log::set_writer([](log::Level, std::string_view) {});
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (size > recording::largest_block) return 0;
  const bool entries = input.starts_with('R');
  if (entries) input.remove_prefix(1);
  const subfloor::testing::MemoryFile memory(entries ? recording_of(input) : std::string(input));
  auto opened = agent::Replay::open(agent::Config{}, memory.path());
  if (!opened) return 0;
  agent::Replay& replay = **opened;
  replay.add_observer([&](const Observation& observation) {
    std::string text;
    json::append_json(text, observation, replay.to_unix(observation.call.start));
    if (!nlohmann::json::accept(text)) std::abort();
  });
  for (Result<bool> more = true; more && *more;) more = replay.read_some();
  replay.finish();
  return 0;
}
