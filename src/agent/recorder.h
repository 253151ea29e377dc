// SPDX-License-Identifier: Apache-2.0
// Recorder: an agent's tap that writes a recording.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "agent/agent.h"
#include "recording/writer.h"

namespace subfloor::agent {

class Recorder final : public Tap {
 public:
  // The writer outlives it.
  explicit Recorder(recording::Writer& writer) : writer_(writer) {}
  virtual ~Recorder() = default;
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Writes the header: once the agent is made, before the reactor runs. on_call() observes its calls from then on.
  void begin(Agent& agent);
  void on_call(const Observation& observation);
  // Once the agent is gone. `status` is the agent's last; `reason`, why the recording ends.
  [[nodiscard]] Result<> finish(const nlohmann::json& status, const std::string& reason);

  void on_record(const record_header& header, std::span<const std::byte> record) override;
  void on_tick(Nanoseconds now) override;
  void on_census(bool begins, Nanoseconds now) override;
  void on_finish(Nanoseconds now) override;

  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] std::uint64_t calls() const { return calls_; }

 private:
  void add(recording::EntryKind kind, std::string_view content);
  void add_moment(recording::EntryKind kind, Nanoseconds now);
  void introduce(const Process& process);

  recording::Writer& writer_;
  std::unordered_map<std::uint32_t, Process> introduced_;  // as they were written last
  std::uint64_t records_ = 0, calls_ = 0;
};

}  // namespace subfloor::agent
