// SPDX-License-Identifier: Apache-2.0
#include "rules/evaluator.h"

#include <algorithm>

#include "rules/transform.h"

namespace subfloor::rules {
namespace {

Truth negated(Truth truth) {
  if (truth == Truth::unknown) return truth;
  return truth == Truth::yes ? Truth::no : Truth::yes;
}

Truth truth_of(bool value) { return value ? Truth::yes : Truth::no; }

// Several values of one field: what a check of it says, by what it says of each.
Truth check_values(const Check& check, Shape shape, const Values& values) {
  // Of no ancestor, nothing exists; an empty list is one all the same.
  if (check.op == Operator::exists) return truth_of(shape != Shape::any || values.size > 0);
  const auto one = [&](const Value& value) { return check.matcher->matches(value); };
  const bool all =
      (shape == Shape::list && check.op == Operator::in) || (shape == Shape::ends && check.op == Operator::not_equal);
  return truth_of(all ? std::all_of(values.begin(), values.end(), one)
                      : std::any_of(values.begin(), values.end(), one));
}

// What every event's type says, and what its facts say.
Value field_of(const FieldReference& field, Facts& facts) {
  switch (field.id) {
    case "evt.type"_field: return to_string(facts.event_type());
    case "syscall.type"_field:
      return is_system_call(facts.event_type()) ? Value(to_string(facts.event_type())) : Value();
    case "evt.dir"_field: return std::string_view("<");
    default: return facts.extract(field);
  }
}

bool has_unknown(const Value& value) {
  if (value.unknown()) return true;
  const auto* values = value.get<Values>();
  return values != nullptr && std::any_of(values->begin(), values->end(), [](const Value& v) { return v.unknown(); });
}

}  // namespace

Evaluator::Evaluator(std::shared_ptr<const RuleSet> rules)
    : rules_(std::move(rules)), answers_(rules_->program.node_count()), extracted_(rules_->program.term_count()) {}

void Evaluator::begin() {
  if (++event_ != 0) return;
  // Once in four billion events the count begins again.
  for (Answer& answer : answers_) answer.event = 0;
  for (Extracted& extracted : extracted_) extracted.event = 0;
  event_ = 1;
}

const std::vector<std::uint32_t>& Evaluator::bucket(const Facts& facts) const {
  return rules_->buckets[index_of(facts.event_type())];
}

std::optional<std::size_t> Evaluator::first_match(Facts& facts) {
  begin();
  for (const std::uint32_t rule : bucket(facts))
    if (node(rules_->rules[rule].condition, facts) == Truth::yes) return rule;
  return std::nullopt;
}

void Evaluator::all_matches(Facts& facts, std::vector<std::size_t>& matches) {
  begin();
  matches.clear();
  for (const std::uint32_t rule : bucket(facts))
    if (node(rules_->rules[rule].condition, facts) == Truth::yes) matches.push_back(rule);
}

bool Evaluator::could_match(Facts& facts) {
  begin();
  const auto& rules = bucket(facts);
  return std::any_of(rules.begin(), rules.end(),
                     [&](std::uint32_t rule) { return node(rules_->rules[rule].condition, facts) != Truth::no; });
}

Truth Evaluator::node(NodeId id, Facts& facts) {
  Answer& answer = answers_[static_cast<std::size_t>(id)];
  if (answer.event == event_) return answer.truth;
  const Truth truth = evaluate_node(rules_->program.node(id), facts);
  answer = {event_, truth};
  return truth;
}

// Of three values, as Kleene has them: what is unknown decides nothing that the rest decides.
Truth Evaluator::evaluate_node(const Node& inner, Facts& facts) {
  switch (inner.kind) {
    case Node::Kind::never: return Truth::no;
    case Node::Kind::always: return Truth::yes;
    case Node::Kind::event: return truth_of(inner.events.test(index_of(facts.event_type())));
    case Node::Kind::check: return check(rules_->program.check(inner), facts);
    case Node::Kind::negation: return negated(node(inner.children.front(), facts));
    case Node::Kind::all_of:
    case Node::Kind::any_of: break;
  }
  const Truth decisive = inner.kind == Node::Kind::all_of ? Truth::no : Truth::yes;
  Truth result = negated(decisive);
  for (const NodeId child : inner.children) {
    const Truth truth = node(child, facts);
    if (truth == decisive) return decisive;
    if (truth == Truth::unknown) result = truth;
  }
  return result;
}

// What is absent, on either side, makes a check false, whatever its operator.
Truth Evaluator::check(const Check& check, Facts& facts) {
  const Value& left = value(check.left, facts);
  if (left.absent()) return Truth::no;
  if (check.right) {
    const Value& right = value(*check.right, facts);
    if (right.absent()) return Truth::no;
    if (has_unknown(left) || has_unknown(right)) return Truth::unknown;
    return truth_of(compare(check.op, left, right));
  }
  if (has_unknown(left)) return Truth::unknown;
  if (const auto* values = left.get<Values>())
    return check_values(check, rules_->program.term(check.left).shape, *values);
  return truth_of(check.op == Operator::exists || check.matcher->matches(left));
}

const Value& Evaluator::value(TermId id, Facts& facts) {
  Extracted& extracted = extracted_[static_cast<std::size_t>(id)];
  if (extracted.event != event_) {
    extracted.value = extract(rules_->program.term(id), extracted, facts);
    extracted.event = event_;
  }
  return extracted.value;
}

Value Evaluator::extract(const Term& term, Extracted& into, Facts& facts) {
  switch (term.kind) {
    case Term::Kind::constant: return std::string_view(term.text);
    case Term::Kind::field: return field_of(term.field, facts);
    case Term::Kind::list:
      into.values.clear();
      for (const TermId item : term.items) {
        const Value& each = value(item, facts);
        if (each.absent()) return {};
        into.values.push_back(each);
      }
      return Values{into.values.data(), into.values.size()};
    case Term::Kind::transformer: return transform(term, into, facts);
  }
  return {};
}

Value Evaluator::transform(const Term& term, Extracted& into, Facts& facts) {
  std::vector<Value> items;
  bool unknown = false;
  for (const TermId item : term.items) {
    const Value& each = value(item, facts);
    if (each.absent()) return {};
    unknown = unknown || has_unknown(each);
    items.push_back(each);
  }
  if (unknown) return Unknown{};
  return apply(term, items, into.text, into.texts, into.values);
}

}  // namespace subfloor::rules
