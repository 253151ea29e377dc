// SPDX-License-Identifier: Apache-2.0
// Evaluator: asks a RuleSet of events. One for each thread: it keeps what it found out of the present event.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rules/rule_set.h"
#include "rules/value.h"

namespace subfloor::rules {

// `unknown`: what nobody looked up yet decides.
enum class Truth : std::uint8_t { no, yes, unknown };

class Evaluator {
 public:
  explicit Evaluator(std::shared_ptr<const RuleSet> rules);

  // The first rule that matches, by its place in the set; nothing where none does. One that what is unknown would
  // decide does not.
  [[nodiscard]] std::optional<std::size_t> first_match(Facts& facts);
  // All that match, in order.
  void all_matches(Facts& facts, std::vector<std::size_t>& matches);
  // False: whatever the unknown values turn out to be, or whether they are there, no rule matches. It is never false
  // where one could.
  [[nodiscard]] bool could_match(Facts& facts);

  // Each of the above begins an event; these go on with the same one.
  void begin();
  [[nodiscard]] Truth evaluate(NodeId condition, Facts& facts) { return node(condition, facts); }
  // What it points to stays until the next event begins.
  [[nodiscard]] const Value& value(TermId term, Facts& facts);

  [[nodiscard]] const RuleSet& rules() const { return *rules_; }

 private:
  struct Answer {
    std::uint32_t event = 0;
    Truth truth = Truth::no;
  };
  struct Extracted {
    std::uint32_t event = 0;
    Value value;
    std::string text;               // of what a transformer made
    std::vector<std::string> texts;
    std::vector<Value> values;
  };

  [[nodiscard]] Truth node(NodeId id, Facts& facts);
  [[nodiscard]] Truth evaluate_node(const Node& node, Facts& facts);
  [[nodiscard]] Truth check(const Check& check, Facts& facts);
  [[nodiscard]] Value extract(const Term& term, Extracted& into, Facts& facts);
  [[nodiscard]] Value transform(const Term& term, Extracted& into, Facts& facts);
  [[nodiscard]] const std::vector<std::uint32_t>& bucket(const Facts& facts) const;

  std::shared_ptr<const RuleSet> rules_;
  std::uint32_t event_ = 0;  // counts them; an answer of an earlier one is none
  std::vector<Answer> answers_;
  std::vector<Extracted> extracted_;
};

}  // namespace subfloor::rules
