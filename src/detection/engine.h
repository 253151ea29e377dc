// SPDX-License-Identifier: Apache-2.0
// Engine: events → rules → alerts. For one thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "detection/foresight.h"
#include "rules/alert.h"
#include "rules/evaluator.h"

namespace subfloor::detection {

class Engine {
 public:
  using AlertHandler = std::function<void(const rules::Alert&)>;
  // Opens by this name, for no more than these accesses, need not be told of any more.
  using Ignore = std::function<void(const FileName& name, std::uint8_t accesses)>;
  struct Counters {
    std::uint64_t events = 0;  // that some rule could match by their type
    std::uint64_t alerts = 0;
    std::uint64_t ignored = 0;  // names that no rule can match
  };

  // `find`: as EventFacts wants it. Without rules, no event is looked at.
  Engine(EventFacts::FindProcess find, std::string hostname, AlertHandler on_alert);

  // Takes over from the next event on; null: none. Counters of rules begin again.
  void set_rules(std::shared_ptr<const rules::RuleSet> rules);
  [[nodiscard]] const rules::RuleSet* rules() const { return evaluator_ == nullptr ? nullptr : &evaluator_->rules(); }
  // Who is told of names that no rule can match; nobody at first.
  void set_ignore(Ignore ignore) { ignore_ = std::move(ignore); }
  // What of system calls the rules have to be told.
  [[nodiscard]] std::vector<WantedCall> wanted() const;
  // Whether events of this type can match at all.
  [[nodiscard]] bool wants(rules::EventType type) const;

  // Tells of it by whatever rule is the first to match.
  void on_event(Event event);

  [[nodiscard]] const Counters& counters() const { return counters_; }
  // Alerts of each rule, in the order of the rules.
  [[nodiscard]] const std::vector<std::uint64_t>& alerts_by_rule() const { return by_rule_; }

 private:
  void consider_ignoring(const Event& event);

  EventFacts facts_;
  const std::string hostname_;
  AlertHandler on_alert_;
  Ignore ignore_;
  std::unique_ptr<rules::Evaluator> evaluator_;
  Counters counters_;
  std::vector<std::uint64_t> by_rule_;
};

}  // namespace subfloor::detection
