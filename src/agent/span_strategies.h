// SPDX-License-Identifier: Apache-2.0
// Whose calls become spans: what the configuration says of a process, and whether it exports spans of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/config.h"
#include "model/call.h"
#include "model/process.h"

namespace subfloor::agent {

class SpanStrategies {
 public:
  explicit SpanStrategies(const TracesConfig& config) { configure(config); }
  void configure(const TracesConfig& config);

  // Whether the process's calls become spans. A call that exports its spans makes it known as one that does so.
  [[nodiscard]] bool takes(const Call& call, const Process& process, std::string_view service);
  void forget(std::uint32_t pid) { exporting_.erase(pid); }

  [[nodiscard]] bool exports_own(std::uint32_t pid) const { return exporting_.contains(pid); }
  [[nodiscard]] std::size_t exporting() const { return exporting_.size(); }
  [[nodiscard]] std::uint64_t left_out() const { return left_out_; }  // calls, since the start

 private:
  [[nodiscard]] SpanStrategy strategy_of(const Process& process, std::string_view service) const;

  SpanStrategy strategy_ = SpanStrategy::automatic;
  std::vector<std::pair<std::string, SpanStrategy>> overrides_;
  std::unordered_map<std::uint32_t, std::uint64_t> exporting_;  // start time by pid
  std::uint64_t left_out_ = 0;
};

}  // namespace subfloor::agent
