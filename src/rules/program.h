// SPDX-License-Identifier: Apache-2.0
// Program: all conditions as one graph, in which what is the same stands once, and so is evaluated once per event.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "rules/matcher.h"

namespace subfloor::rules {

enum class NodeId : std::uint32_t {};
enum class TermId : std::uint32_t {};

enum class Transformer : std::uint8_t { tolower, toupper, b64, basename, len, join, concat, getopt };
[[nodiscard]] std::string_view to_string(Transformer transformer);
[[nodiscard]] std::optional<Transformer> transformer_of(std::string_view name);

// A value that is taken from an event: a field, what a transformer makes of others, or a constant beside one.
struct Term {
  enum class Kind : std::uint8_t { field, transformer, constant, list };
  Kind kind = Kind::field;
  FieldReference field;
  Transformer transformer{};
  std::vector<TermId> items;
  std::string text;  // of a constant; of getopt, the option that is asked for, or ""
  Type type = Type::text;
  Shape shape = Shape::single;
};

struct Check {
  TermId left{};
  Operator op = Operator::exists;
  Modifier modifier = Modifier::none;
  std::vector<Literal> literals;
  MatcherPtr matcher;           // null where it exists, or compares with:
  std::optional<TermId> right;
};

struct Node {
  enum class Kind : std::uint8_t { never, always, event, check, negation, all_of, any_of };
  Kind kind = Kind::never;
  std::uint16_t depth = 1;
  std::uint32_t cost = 0;
  std::uint32_t check = 0;        // place in checks
  std::vector<NodeId> children;   // the cheapest first
  EventSet events;                // of Kind::event: where it is true
  EventSet when_true, when_false;  // the types of events of which it can be so
};

class Program {
 public:
  // Deeper graphs are refused, for evaluation goes down by recursion.
  static constexpr std::uint16_t deepest = 600;

  Program();

  [[nodiscard]] const Node& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  [[nodiscard]] const Term& term(TermId id) const { return terms_[static_cast<std::size_t>(id)]; }
  [[nodiscard]] const Check& check(const Node& node) const { return checks_[node.check]; }
  [[nodiscard]] std::size_t node_count() const { return nodes_.size(); }
  [[nodiscard]] std::size_t term_count() const { return terms_.size(); }

  // Each gives what is there already where it is the same.
  [[nodiscard]] NodeId constant(bool value) const { return value ? always_ : never_; }
  [[nodiscard]] NodeId event(const EventSet& events);
  [[nodiscard]] TermId add(Term term);
  [[nodiscard]] NodeId add(Check check);
  [[nodiscard]] NodeId negation(NodeId of);
  // Flattened, without what does not matter, checks of one field with several constants made one.
  [[nodiscard]] NodeId all_of(const std::vector<NodeId>& children);
  [[nodiscard]] NodeId any_of(const std::vector<NodeId>& children);

 private:
  [[nodiscard]] NodeId intern(const std::string& key, Node node);
  [[nodiscard]] NodeId join(Node::Kind kind, const std::vector<NodeId>& given);
  void merge_checks(std::vector<NodeId>& children);
  void sort_by_cost(std::vector<NodeId>& children) const;

  std::vector<Node> nodes_;
  std::vector<Term> terms_;
  std::vector<Check> checks_;
  std::unordered_map<std::string, NodeId> node_ids_;
  std::unordered_map<std::string, TermId> term_ids_;
  NodeId never_{}, always_{};
};

// "proc.name", "tolower(proc.name)": as in a rule.
[[nodiscard]] std::string to_string(const Program& program, TermId term);
// The condition as a rule could say it, lists and macros in it; cut off with "…" at the limit.
[[nodiscard]] std::string to_string(const Program& program, NodeId node, std::size_t limit = std::size_t{64} << 10);

}  // namespace subfloor::rules
