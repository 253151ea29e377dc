// SPDX-License-Identifier: Apache-2.0
// Partial evaluation is sound: what is decided before everything is known is decided the same once it is. The bytes
// make a condition, and an event of which some fields are unknown.
#include <fmt/format.h>

#include <array>
#include <list>
#include <map>

#include "base/fuzzing.h"
#include "rules/evaluator.h"
#include "rules/load.h"

namespace {

using namespace subfloor;
using namespace subfloor::rules;

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  [[nodiscard]] bool empty() const { return at_ >= size_; }
  // Below the limit; 0 once there are no more.
  std::size_t pick(std::size_t limit) { return empty() ? 0 : data_[at_++] % limit; }
  template <class T, std::size_t n>
  const T& of(const std::array<T, n>& all) {
    return all[pick(n)];
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_, at_ = 0;
};

constexpr std::array<const char*, 6> text_fields{"proc.name",          "fd.name",  "proc.aname[1]",
                                                 "tolower(proc.name)", "evt.type", "concat(proc.name, fd.name)"};
constexpr std::array<const char*, 8> texts{"a", "/a/b", "/a", "B", "ab", "openat", "\"\"", "/a/*"};
constexpr std::array<const char*, 14> text_operators{"=",          "!=",       "<",      "contains",        "icontains",
                                                     "startswith", "endswith", "glob",   "iglob",           "= anyof",
                                                     "!= allof",   "in",       "pmatch", "startswith oneof"};
constexpr std::array<const char*, 5> numbers{"0", "1", "-1", "80", "443"};
constexpr std::array<const char*, 6> number_operators{"=", "!=", "<", "<=", ">", ">="};
constexpr std::array<const char*, 4> nets{"10.0.0.0/8", "127.0.0.0/8", "::/0", "0.0.0.0/0"};

std::string list_of(Bytes& bytes) {
  std::string list = "(";
  for (std::size_t count = bytes.pick(3); count > 0; --count)
    list += (list.size() > 1 ? std::string(", ") : "") + bytes.of(texts);
  return list + ")";
}

std::string check_of(Bytes& bytes) {
  switch (bytes.pick(8)) {
    case 0: return fmt::format("{} exists", bytes.of(text_fields));
    case 1: return fmt::format("fd.num {} {}", bytes.of(number_operators), bytes.of(numbers));
    case 2: return fmt::format("fd.net {} {}", bytes.pick(2) == 0 ? "=" : "!=", bytes.of(nets));
    case 3: return fmt::format("container.mounts {} {}", bytes.pick(2) == 0 ? "in" : "intersects", list_of(bytes));
    case 4: return fmt::format("proc.aname {} {}", bytes.pick(2) == 0 ? "=" : "!=", bytes.of(texts));
    case 5: return fmt::format("proc.name {} val(proc.pname)", bytes.pick(2) == 0 ? "=" : "!=");
    default: break;
  }
  const std::string op = bytes.of(text_operators);
  const bool list = op == "in" || op == "pmatch" || op.find(' ') != std::string::npos;
  const char* field = bytes.of(text_fields);
  if (op == "<") return fmt::format("{} < 5", field);
  return fmt::format("{} {} {}", field, op, list ? list_of(bytes) : bytes.of(texts));
}

std::string condition_of(Bytes& bytes, std::size_t depth) {
  const std::size_t kind = depth > 5 || bytes.empty() ? 0 : bytes.pick(5);
  if (kind == 1) return "not (" + condition_of(bytes, depth + 1) + ")";
  if (kind < 2) return check_of(bytes);
  std::string text = "(" + condition_of(bytes, depth + 1);
  for (std::size_t more = 1 + bytes.pick(3); more > 0; --more)
    text += (kind % 2 == 0 ? " and " : " or ") + condition_of(bytes, depth + 1);
  return text + ")";
}

constexpr std::array<std::string_view, 7> values{"a", "A", "/a/b/c", "/a/bc", "ab", "b", ""};
constexpr std::array<const char*, 4> addresses{"10.1.2.3", "127.0.0.1", "::1", "8.8.8.8"};

// Chooses a value for each field it is asked for, and remembers it. Those that it may not know can be completed.
class Chosen final : public Facts {
 public:
  Chosen(Bytes& bytes, EventType type) : bytes_(bytes), type_(type) {}

  EventType event_type() const override { return type_; }
  Value extract(const FieldReference& field) override {
    const std::string name = to_string(field);
    if (const auto known = known_.find(name); known != known_.end()) return known->second;
    if (!complete_ && bytes_.pick(3) == 0) return known_[name] = Value(Unknown{});
    return known_[name] = any_value(field);
  }
  // What was unknown becomes something, or nothing.
  void complete() {
    complete_ = true;
    std::erase_if(known_, [](const auto& each) { return each.second.unknown(); });
  }

 private:
  Value any_value(const FieldReference& field) {
    if (bytes_.pick(4) == 0) return {};
    const Shape shape = shape_of(field);
    if (shape == Shape::single) return one_value(info_of(field.id).type);
    auto& list = lists_.emplace_back();
    for (std::size_t count = bytes_.pick(3); count > 0; --count) list.push_back(one_value(info_of(field.id).type));
    return Values{list.data(), list.size()};
  }
  Value one_value(Type type) {
    if (type == Type::text) return bytes_.of(values);
    if (type == Type::network) return *IpAddress::parse(bytes_.of(addresses));
    return static_cast<std::int64_t>(bytes_.pick(4)) - 1;
  }

  Bytes& bytes_;
  EventType type_;
  bool complete_ = false;
  std::map<std::string, Value> known_;
  std::list<std::vector<Value>> lists_;
};

Loaded load_condition(const std::string& condition) {
  Sources sources;
  sources.emplace_back("r.yaml",
                       "- rule: r\n  desc: d\n  output: o\n  priority: INFO\n  warn_evttypes: false\n"
                       "  condition: >\n    " +
                           condition + "\n");
  return load(std::move(sources));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(data, size);
  const Loaded loaded = load_condition(condition_of(bytes, 0));
  fuzzing::require(loaded.report.errors() == 0 && loaded.rules->rules.size() == 1);
  const Rule& rule = loaded.rules->rules.front();
  Evaluator evaluator(loaded.rules);
  for (int round = 0; round < 4; ++round) {
    Chosen facts(bytes, bytes.pick(2) == 0 ? "openat"_event : "connect"_event);
    evaluator.begin();
    const Truth before = evaluator.evaluate(rule.condition, facts);
    const bool could = evaluator.could_match(facts);
    fuzzing::require(could == (before != Truth::no && rule.events.test(index_of(facts.event_type()))));
    facts.complete();
    evaluator.begin();
    const Truth after = evaluator.evaluate(rule.condition, facts);
    fuzzing::require(after != Truth::unknown);
    fuzzing::require(before == Truth::unknown || before == after);
    if (after == Truth::yes) fuzzing::require(could && evaluator.first_match(facts) == 0U);
  }
  return 0;
}
