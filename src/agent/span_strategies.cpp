// SPDX-License-Identifier: Apache-2.0
#include "agent/span_strategies.h"

#include <array>

#include "agent/trace_feed.h"

namespace subfloor::agent {
namespace {

constexpr std::size_t exporting_limit = 65536;

}  // namespace

std::optional<SpanStrategy> span_strategy(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, SpanStrategy>, 4> names{{{"auto", SpanStrategy::automatic},
                                                                            {"ebpf", SpanStrategy::ebpf},
                                                                            {"hybrid", SpanStrategy::hybrid},
                                                                            {"off", SpanStrategy::off}}};
  for (const auto& [known, strategy] : names)
    if (known == name) return strategy;
  return std::nullopt;
}

void SpanStrategies::configure(const TracesConfig& config) {
  strategy_ = config.strategy;
  overrides_.clear();
  for (const std::string& item : config.overrides) {
    const std::size_t equals = item.rfind('=');
    if (equals == std::string::npos) continue;
    if (const auto strategy = span_strategy(std::string_view(item).substr(equals + 1)))
      overrides_.emplace_back(item.substr(0, equals), *strategy);
  }
}

SpanStrategy SpanStrategies::strategy_of(const Process& process, std::string_view service) const {
  if (overrides_.empty()) return strategy_;
  const std::string_view path = process.executable;
  const std::string_view executable = path.substr(path.rfind('/') + 1);
  for (const auto& [name, strategy] : overrides_)
    if (name == service || name == executable) return strategy;
  return strategy_;
}

bool SpanStrategies::takes(const Call& call, const Process& process, std::string_view service) {
  if (exports_spans(call) && exporting_.size() < exporting_limit) exporting_[process.pid] = process.start_time;
  const SpanStrategy strategy = strategy_of(process, service);
  bool takes = strategy != SpanStrategy::off;
  if (strategy == SpanStrategy::automatic && !exporting_.empty()) {
    const auto own = exporting_.find(process.pid);
    takes = own == exporting_.end() || own->second != process.start_time;
  }
  if (!takes) ++left_out_;
  return takes;
}

}  // namespace subfloor::agent
