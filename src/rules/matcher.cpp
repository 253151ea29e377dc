// SPDX-License-Identifier: Apache-2.0
#include "rules/matcher.h"

#include <fmt/format.h>

#include <algorithm>

namespace subfloor::rules {
namespace {

bool compares_order(Operator op) { return op >= Operator::less && op <= Operator::greater_equal; }
bool compares_equality(Operator op) { return op == Operator::equal || op == Operator::not_equal; }
bool compares_members(Operator op) { return op == Operator::in || op == Operator::intersects; }

bool applies(Operator op, Type type) {
  if (op == Operator::exists || compares_equality(op) || compares_members(op)) return true;
  switch (type) {
    case Type::text: return op != Operator::bcontains && op != Operator::bstartswith;
    case Type::integer:
    case Type::unsigned_integer:
    case Type::port: return compares_order(op);
    case Type::bytes:
      return op == Operator::contains || op == Operator::startswith || op == Operator::endswith ||
             op == Operator::bcontains || op == Operator::bstartswith;
    case Type::boolean:
    case Type::address:
    case Type::network: return false;
  }
  return false;
}

std::string_view plural(Type type) {
  switch (type) {
    case Type::text: return "text";
    case Type::boolean: return "booleans";
    case Type::address: return "IP addresses";
    case Type::network: return "IP networks";
    case Type::port: return "ports";
    case Type::bytes: return "bytes";
    default: return "numbers";
  }
}

// How many of several matchers must match.
class Several final : public Matcher {
 public:
  Several(Modifier modifier, std::vector<MatcherPtr> parts) : modifier_(modifier), parts_(std::move(parts)) {}
  bool matches(const Value& value) const override {
    if (parts_.empty()) return false;
    const auto one = [&](const MatcherPtr& part) { return part->matches(value); };
    if (modifier_ == Modifier::allof) return std::all_of(parts_.begin(), parts_.end(), one);
    if (modifier_ == Modifier::anyof) return std::any_of(parts_.begin(), parts_.end(), one);
    return std::count_if(parts_.begin(), parts_.end(), one) == 1;
  }

 private:
  Modifier modifier_;
  std::vector<MatcherPtr> parts_;
};

MatcherPtr make_by_type(Operator op, Type type, const std::vector<Literal>& literals, Report& report) {
  switch (type) {
    case Type::text:
    case Type::bytes: return make_text_matcher(op, literals, report);
    case Type::address:
    case Type::network: return make_address_matcher(op, type, literals, report);
    default: return make_number_matcher(op, type, literals, report);
  }
}

// What a list on the right of `in` holds, or the one value.
bool is_member(const Value& value, const Value& of) {
  const auto* values = of.get<Values>();
  if (values == nullptr) return compare(Operator::equal, value, of);
  return std::any_of(values->begin(), values->end(),
                     [&](const Value& each) { return compare(Operator::equal, value, each); });
}

}  // namespace

std::optional<std::string> refusal(Operator op, Type type, Shape shape) {
  const std::string_view name = to_string(op);
  if (shape == Shape::list && op != Operator::exists && !compares_members(op))
    return fmt::format("'{}' does not compare lists: use in, intersects or exists", name);
  if (applies(op, type)) return std::nullopt;
  return fmt::format("'{}' does not compare {}", name, plural(type));
}

MatcherPtr make_matcher(Operator op, Modifier modifier, Type type, const std::vector<Literal>& literals,
                        Report& report) {
  if (modifier == Modifier::none) return make_by_type(op, type, literals, report);
  if (modifier == Modifier::anyof && op == Operator::equal) return make_by_type(Operator::in, type, literals, report);
  if (modifier == Modifier::anyof && op == Operator::startswith && !literals.empty())
    return make_by_type(op, type, literals, report);
  std::vector<MatcherPtr> parts;
  for (const Literal& literal : literals) {
    auto part = make_by_type(op, type, {literal}, report);
    if (!part) return nullptr;
    parts.push_back(std::move(part));
  }
  return std::make_unique<Several>(modifier, std::move(parts));
}

std::optional<WideNumber> number_of(const Value& value) {
  if (const auto* number = value.get<std::int64_t>()) return *number;
  if (const auto* number = value.get<std::uint64_t>()) return *number;
  if (const auto* boolean = value.get<bool>()) return *boolean ? 1 : 0;
  return std::nullopt;
}

bool compare_numbers(Operator op, WideNumber left, WideNumber right) {
  switch (op) {
    case Operator::equal: return left == right;
    case Operator::not_equal: return left != right;
    case Operator::less: return left < right;
    case Operator::less_equal: return left <= right;
    case Operator::greater: return left > right;
    case Operator::greater_equal: return left >= right;
    default: return false;
  }
}

bool compare(Operator op, const Value& left, const Value& right) {
  if (const auto* values = left.get<Values>()) {
    const auto member = [&](const Value& each) { return is_member(each, right); };
    if (op == Operator::in) return std::all_of(values->begin(), values->end(), member);
    return op == Operator::intersects && std::any_of(values->begin(), values->end(), member);
  }
  if (compares_members(op)) return is_member(left, right);
  const auto a = number_of(left), b = number_of(right);
  if (a && b) return compare_numbers(op, *a, *b);
  const auto *text = left.get<std::string_view>(), *other = right.get<std::string_view>();
  if (text != nullptr && other != nullptr) return compare_texts(op, *text, *other);
  const auto *address = left.get<IpAddress>(), *peer = right.get<IpAddress>();
  if (address == nullptr || peer == nullptr) return false;
  return op == Operator::equal ? *address == *peer : op == Operator::not_equal && *address != *peer;
}

}  // namespace subfloor::rules
