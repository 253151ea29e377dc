// SPDX-License-Identifier: Apache-2.0
// What can be said of an event of which not everything is known.
#include "rules/testing.h"

namespace subfloor::rules {
namespace {

using namespace testing;

bool could_match(const std::string& condition, Fields fields) {
  const Loaded loaded = load_text(rule_text(condition));
  Fixture event = make_event(fields);
  return Evaluator(loaded.rules).could_match(event);
}

TEST(PartialEvaluation, WhatIsUnknownLeavesItOpen) {
  EXPECT_EQ(ask("proc.name = cat", {{"proc.name", "?"}}), Truth::unknown);
  EXPECT_EQ(ask("not proc.name = cat", {{"proc.name", "?"}}), Truth::unknown);
  EXPECT_EQ(ask("proc.name exists", {{"proc.name", "?"}}), Truth::unknown);
  EXPECT_EQ(ask("proc.name in ()", {{"proc.name", "?"}}), Truth::no);
}

TEST(PartialEvaluation, WhatIsKnownDecidesWhereItCan) {
  const Fields event = {{"proc.name", "?"}, {"fd.name", "/tmp/x"}};
  EXPECT_EQ(ask("proc.name = cat and fd.name startswith /etc", event), Truth::no);
  EXPECT_EQ(ask("proc.name = cat or fd.name startswith /tmp", event), Truth::yes);
  EXPECT_EQ(ask("proc.name = cat and fd.name startswith /tmp", event), Truth::unknown);
  EXPECT_EQ(ask("not (proc.name = cat or fd.name startswith /tmp)", event), Truth::no);
}

TEST(PartialEvaluation, AbsentIsNotUnknown) {
  EXPECT_EQ(ask("proc.name = val(proc.pname)", {{"proc.name", "?"}}), Truth::no)
      << "whatever it is, the other is absent";
  EXPECT_EQ(ask("proc.name = val(proc.pname)", {{"proc.name", "?"}, {"proc.pname", "x"}}), Truth::unknown);
  EXPECT_EQ(ask("concat(proc.name, proc.pname) exists", {{"proc.name", "?"}}), Truth::no);
  EXPECT_EQ(ask("tolower(proc.name) = x", {{"proc.name", "?"}}), Truth::unknown);
}

TEST(PartialEvaluation, NoRuleCanMatchWhereEveryOneIsDecided) {
  EXPECT_FALSE(could_match("evt.type = openat and fd.name startswith /etc and proc.name = cat",
                           {{"fd.name", "/tmp/x"}, {"proc.name", "?"}}));
  EXPECT_TRUE(could_match("evt.type = openat and fd.name startswith /etc and proc.name = cat",
                          {{"fd.name", "/etc/x"}, {"proc.name", "?"}}));
  EXPECT_FALSE(could_match("evt.type = close", {{"fd.name", "?"}}));
}

class Counting final : public Facts {
 public:
  EventType event_type() const override { return "openat"_event; }
  Value extract(const FieldReference& field) override {
    ++asked[to_string(field)];
    return std::string_view("x");
  }
  std::map<std::string, int> asked;
};

TEST(Evaluator, AsksForAFieldOnceAnEvent) {
  const Loaded loaded =
      load_text(rule_text("proc.name = a or fd.name = b or proc.name contains c or tolower(proc.name) = d"));
  Evaluator evaluator(loaded.rules);
  Counting facts;
  EXPECT_FALSE(evaluator.first_match(facts));
  EXPECT_EQ(facts.asked["proc.name"], 1);
  EXPECT_FALSE(evaluator.first_match(facts));
  EXPECT_EQ(facts.asked["proc.name"], 2);
}

TEST(Evaluator, AsksNothingOfEventsThatNoRuleCanMatch) {
  const Loaded loaded = load_text(rule_text("evt.type = close and proc.name = x"));
  Evaluator evaluator(loaded.rules);
  Counting facts;
  EXPECT_FALSE(evaluator.first_match(facts));
  EXPECT_TRUE(facts.asked.empty());
}

TEST(Evaluator, AsksTheCheaperCheckFirst) {
  const Loaded loaded = load_text(rule_text("proc.args regex 'a.*' and proc.name = y"));
  Evaluator evaluator(loaded.rules);
  Counting facts;
  EXPECT_FALSE(evaluator.first_match(facts));
  EXPECT_FALSE(facts.asked.contains("proc.args"));
}

}  // namespace
}  // namespace subfloor::rules
