// SPDX-License-Identifier: Apache-2.0
#include "rules/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace subfloor::rules {
namespace {

constexpr std::array<std::string_view, 8> transformer_names{"tolower", "toupper", "b64",    "basename",
                                                            "len",     "join",    "concat", "getopt"};

// Nodes of one kind within each other become one, up to so many children: of a chain of macros each would have all.
constexpr std::size_t widest = 1000;

std::size_t number(auto id) { return static_cast<std::size_t>(id); }

std::string key_of(const Term& term) {
  std::string key = fmt::format("{}|{}|{}|{}:{}|", number(term.kind), number(term.field.id), number(term.transformer),
                                term.text.size(), term.text);
  const FieldArgument& argument = term.field.argument;
  key += fmt::format("{}.{}.{}:{}|", number(argument.kind), argument.index, argument.key.size(), argument.key);
  for (const TermId item : term.items) key += fmt::format("{},", number(item));
  return key;
}

std::string key_of(const Check& check) {
  std::string key = fmt::format("check|{}|{}|{}|{}|", number(check.left), number(check.op), number(check.modifier),
                                check.right ? static_cast<std::int64_t>(*check.right) : -1);
  for (const Literal& literal : check.literals) key += fmt::format("{}:{},", literal.text.size(), literal.text);
  return key;
}

// In arbitrary units: what takes longer is asked later.
std::uint32_t cost_of(const Check& check) {
  switch (check.op) {
    case Operator::exists: return 1;
    case Operator::contains: return 5;
    case Operator::icontains: return 12;
    case Operator::bcontains: return 8;
    case Operator::pmatch: return 10;
    case Operator::glob:
    case Operator::iglob: return 20;
    case Operator::regex: return 40;
    default: return 3;
  }
}

// Checks that can become one: their operator says how, where they compare a text with constants.
std::optional<Operator> merged_operator(const Program& program, const Node& node) {
  if (node.kind != Node::Kind::check) return std::nullopt;
  const Check& check = program.check(node);
  const Term& left = program.term(check.left);
  if (!check.matcher || check.modifier != Modifier::none || left.type != Type::text || left.shape == Shape::list)
    return std::nullopt;
  if (check.op == Operator::equal || check.op == Operator::in) return Operator::in;
  if (check.op == Operator::startswith || check.op == Operator::pmatch) return check.op;
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Transformer transformer) { return transformer_names[number(transformer)]; }

std::optional<Transformer> transformer_of(std::string_view name) {
  const auto* const found = std::find(transformer_names.begin(), transformer_names.end(), name);
  if (found == transformer_names.end()) return std::nullopt;
  return static_cast<Transformer>(found - transformer_names.begin());
}

Program::Program() {
  Node never, always;
  never.when_false = always.when_true = all_events();
  always.kind = Node::Kind::always;
  never_ = intern("never", never);
  always_ = intern("always", always);
}

NodeId Program::intern(const std::string& key, Node node) {
  const auto [at, added] = node_ids_.try_emplace(key, static_cast<NodeId>(nodes_.size()));
  if (added) nodes_.push_back(std::move(node));
  return at->second;
}

NodeId Program::event(const EventSet& events) {
  if (events.none()) return never_;
  if (events == all_events()) return always_;
  Node node;
  node.kind = Node::Kind::event;
  node.events = node.when_true = events;
  node.when_false = all_events() & ~events;
  return intern("event|" + events.to_string(), std::move(node));
}

TermId Program::add(Term term) {
  const auto [at, added] = term_ids_.try_emplace(key_of(term), static_cast<TermId>(terms_.size()));
  if (added) terms_.push_back(std::move(term));
  return at->second;
}

NodeId Program::add(Check check) {
  Node node;
  node.kind = Node::Kind::check;
  node.cost = cost_of(check) + (term(check.left).kind == Term::Kind::field ? 0 : 10);
  node.check = static_cast<std::uint32_t>(checks_.size());
  node.when_true = node.when_false = all_events();
  const std::size_t before = nodes_.size();
  const NodeId id = intern(key_of(check), std::move(node));
  if (nodes_.size() != before) checks_.push_back(std::move(check));
  return id;
}

NodeId Program::negation(NodeId of) {
  if (of == never_) return always_;
  if (of == always_) return never_;
  const Node& inner = node(of);
  if (inner.kind == Node::Kind::negation) return inner.children.front();
  if (inner.kind == Node::Kind::event) return event(all_events() & ~inner.events);
  Node outer;
  outer.kind = Node::Kind::negation;
  outer.depth = static_cast<std::uint16_t>(inner.depth + 1);
  outer.cost = inner.cost;
  outer.when_true = inner.when_false;
  outer.when_false = inner.when_true;
  outer.children.push_back(of);
  return intern(fmt::format("not|{}", number(of)), std::move(outer));
}

// "proc.name = a or proc.name in (b, c)" becomes one set, prefixes of one text one trie.
void Program::merge_checks(std::vector<NodeId>& children) {
  std::map<std::pair<TermId, Operator>, std::vector<NodeId>> groups;
  for (const NodeId id : children)
    if (const auto op = merged_operator(*this, node(id))) groups[{check(node(id)).left, *op}].push_back(id);
  for (const auto& group : groups) {
    const std::vector<NodeId>& members = group.second;
    if (members.size() < 2) continue;
    Check merged;
    merged.left = group.first.first;
    merged.op = group.first.second;
    if (merged.op == Operator::startswith) merged.modifier = Modifier::anyof;
    std::set<std::string> seen;
    for (const NodeId id : members) {
      for (const Literal& literal : check(node(id)).literals)
        if (seen.insert(literal.text).second) merged.literals.push_back(literal);
    }
    Report none;  // each literal has been looked at before
    merged.matcher = make_matcher(merged.op, merged.modifier, Type::text, merged.literals, none);
    std::erase_if(children, [&](NodeId id) { return std::find(members.begin(), members.end(), id) != members.end(); });
    children.push_back(add(std::move(merged)));
  }
}

// The cheapest first, each once.
void Program::sort_by_cost(std::vector<NodeId>& children) const {
  std::sort(children.begin(), children.end(),
            [&](NodeId a, NodeId b) { return std::pair(node(a).cost, a) < std::pair(node(b).cost, b); });
  children.erase(std::unique(children.begin(), children.end()), children.end());
}

NodeId Program::join(Node::Kind kind, const std::vector<NodeId>& given) {
  const bool all = kind == Node::Kind::all_of;
  const NodeId neutral = all ? always_ : never_, decisive = all ? never_ : always_;
  std::vector<NodeId> children;
  EventSet events = all ? all_events() : EventSet();
  bool any_event = false;
  const auto take = [&](NodeId id) {
    if (id == neutral) return;
    if (node(id).kind != Node::Kind::event) return children.push_back(id);
    any_event = true;
    events = all ? events & node(id).events : events | node(id).events;
  };
  for (const NodeId id : given) {
    if (node(id).kind != kind || children.size() + node(id).children.size() > widest) {
      take(id);
      continue;
    }
    for (const NodeId inner : node(id).children) take(inner);
  }
  if (any_event) children.push_back(event(events));
  if (!all) merge_checks(children);
  std::sort(children.begin(), children.end(),
            [&](NodeId a, NodeId b) { return std::pair(node(a).cost, a) < std::pair(node(b).cost, b); });
  children.erase(std::unique(children.begin(), children.end()), children.end());
  std::erase(children, neutral);
  if (std::find(children.begin(), children.end(), decisive) != children.end()) return decisive;
  if (children.empty()) return neutral;
  if (children.size() == 1) return children.front();

  Node whole;
  whole.kind = kind;
  whole.when_true = all ? all_events() : EventSet();
  whole.when_false = all ? EventSet() : all_events();
  std::string key = all ? "and|" : "or|";
  for (const NodeId id : children) {
    const Node& child = node(id);
    key += fmt::format("{},", number(id));
    whole.depth = std::max<std::uint16_t>(whole.depth, static_cast<std::uint16_t>(child.depth + 1));
    whole.cost = std::min<std::uint32_t>(whole.cost + child.cost, 1U << 20);
    whole.when_true = all ? whole.when_true & child.when_true : whole.when_true | child.when_true;
    whole.when_false = all ? whole.when_false | child.when_false : whole.when_false & child.when_false;
  }
  // What holds for no type of event never holds.
  if (whole.when_true.none()) return never_;
  if (whole.when_false.none()) return always_;
  whole.children = std::move(children);
  return intern(key, std::move(whole));
}

NodeId Program::all_of(const std::vector<NodeId>& children) { return join(Node::Kind::all_of, children); }

NodeId Program::any_of(const std::vector<NodeId>& children) { return join(Node::Kind::any_of, children); }

}  // namespace subfloor::rules
