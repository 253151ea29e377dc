// SPDX-License-Identifier: Apache-2.0
// What files say together: appending, overriding, replacing, lists, exceptions.
#include "rules/testing.h"

namespace subfloor::rules {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The condition of the only rule, lists and macros in it, without what the event's type says.
std::string condition_of(const std::vector<std::string>& texts) {
  const Loaded loaded = load_texts(texts);
  EXPECT_EQ(loaded.report.errors(), 0U) << render(loaded.report.all().front(), loaded.sources);
  if (loaded.rules->rules.size() != 1) return fmt::format("{} rules", loaded.rules->rules.size());
  return to_string(loaded.rules->program, loaded.rules->rules[0].condition);
}

TEST(Load, ListsStandForTheirItems) {
  EXPECT_EQ(condition_of({"- list: l\n  items: [a, 'b c', 3]\n" + rule_text("proc.name in (l, d)")}),
            "proc.name in (a, \"b c\", 3, d)");
  EXPECT_EQ(condition_of({"- list: l\n  items: [a]\n- list: m\n  items: [l, b]\n" + rule_text("proc.name in (m)")}),
            "proc.name in (a, b)");
  EXPECT_EQ(condition_of({"- list: l\n  items: [a, b]\n" + rule_text("proc.name in l")}), "proc.name in (a, b)");
}

TEST(Load, AnEmptyListTakesAComma) {
  const std::string empty = "- list: none\n  items: []\n";
  EXPECT_EQ(condition_of({empty + rule_text("proc.name in (a, none)")}), "proc.name in (a)");
  EXPECT_EQ(condition_of({empty + rule_text("proc.name in (none, a)")}), "proc.name in (a)");
  EXPECT_EQ(condition_of({empty + rule_text("proc.name in (a, none, b)")}), "proc.name in (a, b)");
  EXPECT_EQ(condition_of({empty + rule_text("fd.num = 1 and not proc.name in (none)")}), "fd.num = 1");
  EXPECT_EQ(condition_of({empty + rule_text("fd.num = 1 and not proc.name in none")}), "fd.num = 1");
  EXPECT_EQ(condition_of({empty + rule_text("proc.name in (none, none, a, none)")}), "proc.name in (a)");
}

TEST(Load, AListIsAWordOnlyWhereOneStands) {
  const std::string list = "- list: sh\n  items: [x]\n";
  EXPECT_EQ(condition_of({list + rule_text("proc.name in (zsh, sh.d, \"sh\", /sh, sh)")}),
            "proc.name in (zsh, sh.d, sh, /sh, x)");
  EXPECT_EQ(condition_of({list + rule_text("proc.args contains \"a sh b\"")}), "proc.args contains \"a sh b\"")
      << "quotes keep a text as it is";
}

TEST(Load, ListsAreAppendedToAndReplaced) {
  const std::string list = "- list: l\n  items: [a]\n";
  const std::string rule = rule_text("proc.name in (l)");
  EXPECT_EQ(condition_of({list + rule, "- list: l\n  items: [b]\n  override: {items: append}\n"}),
            "proc.name in (a, b)");
  EXPECT_EQ(condition_of({list + rule, "- list: l\n  items: [b]\n  append: true\n"}), "proc.name in (a, b)");
  EXPECT_EQ(condition_of({list + rule, "- list: l\n  items: [b]\n  override: {items: replace}\n"}), "proc.name in (b)");
  EXPECT_EQ(condition_of({list + rule, "- list: l\n  items: [b]\n"}), "proc.name in (b)");
}

TEST(Load, MacrosAreAppendedToAndReplaced) {
  const std::string both = "- macro: m\n  condition: fd.num = 1\n" + rule_text("m and fd.name = x");
  EXPECT_EQ(condition_of({both, "- macro: m\n  condition: or fd.num = 2\n  override: {condition: append}\n"}),
            "fd.name = x and (fd.num = 1 or fd.num = 2)");
  EXPECT_EQ(condition_of({both, "- macro: m\n  condition: fd.num = 3\n"}), "fd.num = 3 and fd.name = x");
}

TEST(Load, AMacroThatIsReplacedKeepsItsPlace) {
  EXPECT_EQ(condition_of({"- macro: a\n  condition: fd.num = 1\n- macro: b\n  condition: a\n"
                          "- macro: a\n  condition: fd.num = 2\n" +
                          rule_text("b")}),
            "fd.num = 2");
}

TEST(Load, RulesAreAppendedTo) {
  const std::string rule = rule_text("fd.num = 1");
  EXPECT_EQ(condition_of({rule, "- rule: r\n  condition: or fd.num = 2\n  append: true\n"}),
            "fd.num = 1 or fd.num = 2");
  const Loaded loaded = load_texts({rule + "  tags: [x]\n",
                                    "- rule: r\n  output: more\n  desc: more\n  tags: [a]\n"
                                    "  override: {output: append, desc: append, tags: append}\n"});
  ASSERT_EQ(loaded.rules->rules.size(), 1U);
  EXPECT_EQ(loaded.rules->rules[0].output_text, "o more");
  EXPECT_EQ(loaded.rules->rules[0].description, "d more");
  EXPECT_THAT(loaded.rules->rules[0].tags, ElementsAre("a", "x"));
}

TEST(Load, RulesAreOverriddenKeyByKey) {
  const Loaded loaded =
      load_texts({rule_text("fd.num = 1"),
                  "- rule: r\n  priority: critical\n  enabled: false\n  tags: [n]\n  condition: evt.type = open\n"
                  "  override: {priority: replace, enabled: replace, tags: replace, condition: replace}\n"});
  EXPECT_THAT(mistakes(loaded), IsEmpty());
  const Rule& rule = loaded.rules->rules.at(0);
  EXPECT_EQ(rule.priority, Priority::critical);
  EXPECT_FALSE(rule.enabled);
  EXPECT_THAT(rule.tags, ElementsAre("n"));
  EXPECT_EQ(rule.events.count(), 1U);
}

TEST(Load, ARuleOfTheSameNameReplacesTheEarlierAtItsPlace) {
  const Loaded loaded =
      load_texts({rule_text("fd.num = 1") + "- rule: s\n  condition: fd.num = 2\n  desc: d\n  output: o\n"
                                            "  priority: INFO\n  warn_evttypes: false\n",
                  rule_text("fd.num = 3")});
  ASSERT_EQ(loaded.rules->rules.size(), 2U);
  EXPECT_EQ(loaded.rules->rules[0].name, "r");
  EXPECT_EQ(to_string(loaded.rules->program, loaded.rules->rules[0].condition), "fd.num = 3");
}

TEST(Load, EnabledAloneTogglesARule) {
  const Loaded loaded = load_texts({rule_text("fd.num = 1"), "- rule: r\n  enabled: false\n"});
  EXPECT_FALSE(loaded.rules->rules.at(0).enabled);
  EXPECT_THAT(mistakes(loaded), ElementsAre("r2.yaml:2:3: warning: 'enabled' alone is deprecated: use 'override' with "
                                            "'enabled: replace'"));
}

TEST(Load, ExceptionsOfOneField) {
  const std::string rule = rule_text("fd.num = 1") + "  exceptions:\n  - name: e\n    fields: proc.name\n";
  EXPECT_EQ(condition_of({rule + "    values: [a, 'b c']\n"}), "fd.num = 1 and not proc.name in (a, \"b c\")");
  EXPECT_EQ(condition_of({rule + "    comps: pmatch\n    values: [/a]\n"}), "fd.num = 1 and not proc.name pmatch (/a)");
  EXPECT_EQ(condition_of({rule + "    comps: startswith anyof\n    values: [a, b]\n"}),
            "fd.num = 1 and not proc.name startswith anyof (a, b)");
  EXPECT_EQ(condition_of({rule}), "fd.num = 1") << "no values: nothing is excepted";
}

TEST(Load, ExceptionsOfSeveralFields) {
  const std::string rule = rule_text("fd.num = 1") + "  exceptions:\n  - name: e\n    fields: [proc.name, fd.name]\n";
  EXPECT_EQ(condition_of({rule + "    values:\n    - [a, /x]\n    - [b, '/y z']\n"}),
            "fd.num = 1 and not ((proc.name = a and fd.name = /x) or (proc.name = b and fd.name = \"/y z\"))");
  EXPECT_EQ(condition_of({rule + "    comps: [in, startswith]\n    values:\n    - [[a, b], /x]\n"}),
            "fd.num = 1 and not (proc.name in (a, b) and fd.name startswith /x)");
  EXPECT_EQ(condition_of({"- list: l\n  items: [p, q]\n" + rule + "    comps: [in, =]\n    values:\n    - [l, /x]\n"}),
            "fd.num = 1 and not (proc.name in (p, q) and fd.name = /x)");
}

TEST(Load, ValuesAreAppendedToExceptions) {
  const std::string rule =
      rule_text("fd.num = 1") + "  exceptions:\n  - name: e\n    fields: proc.name\n    values: [a]\n";
  EXPECT_EQ(condition_of(
                {rule, "- rule: r\n  exceptions:\n  - name: e\n    values: [b]\n  override: {exceptions: append}\n"}),
            "fd.num = 1 and not proc.name in (a, b)");
  EXPECT_EQ(condition_of({rule,
                          "- rule: r\n  exceptions:\n  - name: f\n    fields: fd.name\n    values: [b]\n"
                          "  override: {exceptions: append}\n"}),
            "fd.num = 1 and not proc.name in (a) and not fd.name in (b)");
}

TEST(Load, ExceptionsCoverTheWholeCondition) {
  EXPECT_EQ(condition_of({rule_text("fd.num = 1 or fd.num = 2") +
                          "  exceptions:\n  - name: e\n    fields: proc.name\n    values: [a]\n"}),
            "not proc.name in (a) and (fd.num = 1 or fd.num = 2)");
}

TEST(Load, UnknownFieldsCanBeForgiven) {
  const Loaded loaded = load_text(rule_text("no.such = 1 and fd.num = 1") + "  skip-if-unknown-filter: true\n");
  EXPECT_THAT(loaded.rules->rules, IsEmpty());
  EXPECT_THAT(mistakes(loaded), ElementsAre("2:14: warning: unknown field 'no.such'"));
  const Loaded other = load_text(rule_text("no.such = 1 and fd.num = x") + "  skip-if-unknown-filter: true\n");
  EXPECT_EQ(other.report.errors(), 2U) << "another mistake is not";
}

TEST(Load, APriorityLeavesOutWhatMattersLess) {
  LoadOptions options;
  options.minimum = Priority::notice;
  EXPECT_THAT(load_texts({rule_text("fd.num = 1")}, options).rules->rules, IsEmpty());
  options.minimum = Priority::informational;
  EXPECT_EQ(load_texts({rule_text("fd.num = 1")}, options).rules->rules.size(), 1U);
}

TEST(Load, OutputsAreAppendedToByTagAndRule) {
  LoadOptions options;
  options.append_output = {{"syscall", "", {"t"}, "c=%container.id"}, {"", "other", {}, "x"}, {"", "r", {}, "y"}};
  const Loaded loaded = load_texts({rule_text("fd.num = 1") + "  tags: [t, u]\n"}, options);
  EXPECT_EQ(loaded.rules->rules.at(0).output_text, "o c=%container.id y");
}

TEST(Load, RulesAreBucketedByTheEventsTheyCanMatch) {
  const auto events_of = [](const std::string& condition) {
    const Loaded loaded = load_text(rule_text(condition));
    std::vector<std::string> names;
    for (std::size_t i = 0; i < std::size(event_names); ++i)
      if (!loaded.rules->buckets[i].empty()) names.emplace_back(event_names[i]);
    return names;
  };
  EXPECT_THAT(events_of("evt.type in (open, openat) and fd.num = 1"), ElementsAre("open", "openat"));
  EXPECT_THAT(events_of("(evt.type = open and fd.num = 1) or (evt.type=close and fd.num = 2)"),
              ElementsAre("close", "open"));
  EXPECT_THAT(events_of("not (not evt.type = open or fd.num = 1)"), ElementsAre("open"));
  EXPECT_THAT(events_of("evt.type startswith epoll_p"), ElementsAre("epoll_pwait", "epoll_pwait2"));
  EXPECT_THAT(events_of("evt.type = open and evt.num = 0"), IsEmpty());
  EXPECT_THAT(events_of("evt.type = open and evt.type = close"), IsEmpty());
  EXPECT_EQ(events_of("evt.type != open").size(), std::size(event_names) - 1);
  EXPECT_EQ(events_of("not fd.num = 1").size(), std::size(event_names));
}

TEST(Load, EachRuleTellsWhatItNeeds) {
  const Loaded loaded = load_text(rule_text("evt.type = open and fd.name = x and proc.aname[2] = val(proc.pname)"));
  const Requirements needs = requirements_of(*loaded.rules);
  EXPECT_EQ(needs.events.count(), 1U);
  std::vector<std::string> fields;
  for (const FieldReference& field : needs.fields) fields.push_back(to_string(field));
  EXPECT_THAT(fields, ::testing::UnorderedElementsAre("fd.name", "proc.aname[2]", "proc.pname"));
}

TEST(Load, WhatIsTheSameStandsOnce) {
  const Loaded loaded =
      load_text("- macro: m\n  condition: (proc.name = a or fd.name = b)\n" + rule_text("m and fd.num = 1") +
                "- rule: s\n  condition: (fd.name = b or proc.name = a) and fd.num = 2\n  desc: d\n  output: o\n"
                "  priority: INFO\n  warn_evttypes: false\n");
  // always, never, two checks and what they are within, two more checks, two rules.
  EXPECT_EQ(loaded.rules->program.node_count(), 9U);
}

TEST(Load, AliasesDoNotMakeASmallFileLarge) {
  std::string text = "- macro: m\n  condition: &x " + std::string(100000, 'y') + "\n";
  for (int i = 0; i < 300; ++i) text += "- macro: m" + std::to_string(i) + "\n  condition: *x\n";
  const Loaded loaded = load_text(text);
  EXPECT_GE(loaded.report.errors(), 1U);
}

TEST(Load, AChainOfMacrosIsNoLongerThanTheStackBears) {
  std::string text = "- macro: m0\n  condition: fd.num = 1\n";
  for (int i = 1; i <= 3000; ++i) text += fmt::format("- macro: m{}\n  condition: m{} and fd.num = {}\n", i, i - 1, i);
  const Loaded loaded = load_text(text + rule_text("m3000"));
  EXPECT_GE(loaded.report.errors(), 1U);
  EXPECT_EQ(load_text(text + rule_text("m90")).report.errors(), 0U);
}

TEST(Load, FoldersAreReadByName) {
  const auto sources = read_sources({"/nonexistent.yaml"});
  ASSERT_FALSE(sources);
  EXPECT_THAT(sources.error().message, ::testing::HasSubstr("/nonexistent.yaml"));
}

}  // namespace
}  // namespace subfloor::rules
