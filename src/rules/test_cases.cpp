// SPDX-License-Identifier: Apache-2.0
#include "rules/test_cases.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"
#include "rules/alert.h"
#include "rules/fixture.h"

namespace subfloor::rules {
namespace {

class Runner {
 public:
  Runner(const Loaded& loaded, Report& report) : loaded_(loaded), report_(report), evaluator_(loaded.rules) {}

  void run(const TestDefinition& test, std::size_t number) {
    report_.set_subject(fmt::format("test of '{}'", test.rule));
    const Rule* rule = find_rule(test);
    const auto entries = entries_of(test, 0);
    if (rule == nullptr || !entries) return;
    auto fixture = Fixture::make(*entries, test.place, report_);
    if (!fixture) return;
    TestResult result;
    result.rule = test.rule;
    result.name = test.name.empty() ? fmt::format("case {}", number) : test.name;
    result.place = test.place;
    result.expected = test.match;
    evaluator_.begin();
    const bool matched = rule->events.test(index_of(fixture->event_type())) &&
                         evaluator_.evaluate(rule->condition, *fixture) == Truth::yes;
    result.passed = matched == test.match;
    if (!result.passed)
      result.detail = matched ? format(rule->output, evaluator_, *fixture, {}) : "the rule does not match this event";
    results_.push_back(std::move(result));
  }

  std::vector<TestResult> take() { return std::move(results_); }

 private:
  const Rule* find_rule(const TestDefinition& test) {
    if (const Rule* rule = find_named(loaded_.rules->rules, test.rule)) return rule;
    Nearest nearest(test.rule);
    for (const Rule& rule : loaded_.rules->rules) nearest.consider(rule.name);
    report_.error(test.rule_place, fmt::format("there is no rule '{}' to test{}", test.rule, nearest.text()));
    return nullptr;
  }

  // With those of the case that it is like, which it replaces.
  std::optional<std::vector<TestDefinition::Entry>> entries_of(const TestDefinition& test, std::size_t depth) {
    if (test.like.empty()) return test.event;
    const auto model = std::find_if(loaded_.tests.begin(), loaded_.tests.end(), [&](const TestDefinition& other) {
      return other.rule == test.rule && other.name == test.like;
    });
    if (model == loaded_.tests.end() || depth > 16) {
      report_.error(test.like_place, fmt::format("'{}' has no case '{}' to be like", test.rule, test.like));
      return std::nullopt;
    }
    auto entries = entries_of(*model, depth + 1);
    if (!entries) return std::nullopt;
    for (const TestDefinition::Entry& entry : test.event) {
      std::erase_if(*entries, [&](const auto& other) { return other.field.text() == entry.field.text(); });
      entries->push_back(entry);
    }
    return entries;
  }

  const Loaded& loaded_;
  Report& report_;
  Evaluator evaluator_;
  std::vector<TestResult> results_;
};

}  // namespace

std::vector<TestResult> run_tests(const Loaded& loaded, Report& report) {
  Runner runner(loaded, report);
  std::string rule;
  std::size_t number = 0;
  for (const TestDefinition& test : loaded.tests) {
    number = test.rule == rule ? number + 1 : 1;
    rule = test.rule;
    runner.run(test, number);
  }
  report.sort();
  return runner.take();
}

}  // namespace subfloor::rules
