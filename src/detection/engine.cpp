// SPDX-License-Identifier: Apache-2.0
#include "detection/engine.h"

#include <utility>

#include "detection/call_names.h"

namespace subfloor::detection {

Engine::Engine(EventFacts::FindProcess find, std::string hostname, AlertHandler on_alert)
    : facts_(std::move(find)), hostname_(std::move(hostname)), on_alert_(std::move(on_alert)) {}

void Engine::set_rules(std::shared_ptr<const rules::RuleSet> rules) {
  by_rule_.assign(rules == nullptr ? 0 : rules->rules.size(), 0);
  evaluator_ = rules == nullptr ? nullptr : std::make_unique<rules::Evaluator>(std::move(rules));
}

bool Engine::wants(rules::EventType type) const {
  return evaluator_ != nullptr && !evaluator_->rules().buckets[rules::index_of(type)].empty();
}

std::vector<WantedCall> Engine::wanted() const {
  return evaluator_ == nullptr ? std::vector<WantedCall>{} : wanted_calls(*evaluator_);
}

void Engine::on_event(Event event) {
  if (!wants(event.type)) return;
  event.number = ++counters_.events;
  facts_.begin(event);
  const auto matched = evaluator_->first_match(facts_);
  if (!matched) return consider_ignoring(event);
  ++counters_.alerts;
  ++by_rule_[*matched];
  const rules::Rule& rule = evaluator_->rules().rules[*matched];
  on_alert_(rules::make_alert(rule, *evaluator_, facts_, {.unix_time = to_unix(event.when), .hostname = hostname_}));
}

void Engine::consider_ignoring(const Event& event) {
  if (!ignore_ || event.syscall == nullptr || !opens(event.type) || !event.syscall->file) return;
  const SyscallFile& file = *event.syscall->file;
  if (!file.name.known() || file.created || name_could_match(*evaluator_, facts_, file)) return;
  ++counters_.ignored;
  ignore_(file.name, file.accesses);
}

}  // namespace subfloor::detection
