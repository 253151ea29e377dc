// SPDX-License-Identifier: Apache-2.0
// Rule files of any bytes: what is wrong is told at a place that there is, what is right can be said again.
#include "base/fuzzing.h"
#include "rules/load.h"
#include "rules/test_cases.h"

namespace {

using namespace subfloor;
using namespace subfloor::rules;

// A condition that is printed and compiled again is the same one.
void require_round_trip(const Rule& rule, const RuleSet& rules) {
  constexpr std::size_t limit = 4096;
  const std::string text = to_string(rules.program, rule.condition, limit);
  const auto kind = rules.program.node(rule.condition).kind;
  if (text.size() > limit || kind == Node::Kind::never || kind == Node::Kind::always) return;
  Program program;
  Report report;
  const std::vector<ListDefinition> no_lists;
  const std::vector<MacroDefinition> no_macros;
  Lists lists(no_lists, report);
  Compiler compiler(program, lists, no_macros, report);
  RuleDefinition definition;
  definition.condition = MappedText(text, {});
  const auto again = compiler.compile_rule(definition);
  fuzzing::require(again.has_value());
  fuzzing::require(program.node(*again).when_true == rules.program.node(rule.condition).when_true);
  RuleDefinition third;
  third.condition = MappedText(to_string(program, *again, 2 * limit), {});
  fuzzing::require(compiler.compile_rule(third) == again);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Sources sources;
  sources.emplace_back("r.yaml", std::string(fuzzing::text_of(data, size)));
  const Loaded loaded = load(std::move(sources));
  std::size_t errors = 0;
  for (const Diagnostic& each : loaded.report.all()) {
    errors += each.severity == Severity::error ? 1 : 0;
    fuzzing::require(each.place.file == 0 && each.place.offset <= size + 1);
    for (const char c : render(each, loaded.sources))
      fuzzing::require(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
  }
  fuzzing::require(errors == loaded.report.errors());
  for (const Rule& rule : loaded.rules->rules) require_round_trip(rule, *loaded.rules);
  Report report;
  static_cast<void>(run_tests(loaded, report));
  return 0;
}
