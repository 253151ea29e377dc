// SPDX-License-Identifier: Apache-2.0
#include "rules/rule_set.h"

#include <algorithm>
#include <set>

namespace subfloor::rules {
namespace {

class FieldCollector {
 public:
  explicit FieldCollector(const Program& program) : program_(program) {}

  void visit(NodeId id) {
    if (!nodes_.insert(id).second) return;
    const Node& node = program_.node(id);
    for (const NodeId child : node.children) visit(child);
    if (node.kind != Node::Kind::check) return;
    const Check& check = program_.check(node);
    visit(check.left);
    if (check.right) visit(*check.right);
  }

  std::vector<TermId> take() { return {fields_.begin(), fields_.end()}; }

 private:
  void visit(TermId id) {
    const Term& term = program_.term(id);
    if (term.kind == Term::Kind::field) fields_.insert(id);
    for (const TermId item : term.items) visit(item);
  }

  const Program& program_;
  std::set<NodeId> nodes_;
  std::set<TermId> fields_;
};

void add(Requirements& requirements, std::set<TermId>& seen, const RuleSet& rules, const Rule& rule) {
  requirements.events |= rule.events;
  for (const TermId id : rule.condition_fields)
    if (seen.insert(id).second) requirements.fields.push_back(rules.program.term(id).field);
}

}  // namespace

std::vector<TermId> fields_of(const Program& program, NodeId condition) {
  FieldCollector collector(program);
  collector.visit(condition);
  return collector.take();
}

Requirements requirements_of(const RuleSet& rules) {
  Requirements requirements;
  std::set<TermId> seen;
  for (const Rule& rule : rules.rules)
    if (rule.enabled) add(requirements, seen, rules, rule);
  return requirements;
}

Requirements requirements_of(const RuleSet& rules, const Rule& rule) {
  Requirements requirements;
  std::set<TermId> seen;
  add(requirements, seen, rules, rule);
  return requirements;
}

}  // namespace subfloor::rules
