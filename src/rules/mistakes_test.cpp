// SPDX-License-Identifier: Apache-2.0
// Each kind of mistake is told once, with its line and column, and all of a file at once.
#include "rules/testing.h"

namespace subfloor::rules {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> mistakes_in(const std::string& text) { return mistakes(load_text(text)); }

// Of a rule with this condition, which begins at 2:14.
std::vector<std::string> mistakes_of(const std::string& condition) { return mistakes_in(rule_text(condition)); }

constexpr const char* rest = "  desc: d\n  output: o\n  priority: INFO\n  warn_evttypes: false\n";

TEST(Mistakes, OfConditions) {
  EXPECT_THAT(mistakes_of("proc.nam = x"),
              ElementsAre("2:14: error: unknown field 'proc.nam' (did you mean 'proc.name'?)"));
  EXPECT_THAT(mistakes_of("fd.num = 1 and spawned"), ElementsAre("2:29: error: unknown macro 'spawned'"));
  EXPECT_THAT(mistakes_of("proc.name in shells"), ElementsAre("2:27: error: unknown list 'shells'"));
  EXPECT_THAT(mistakes_of("fd.num contains 1"),
              ElementsAre("2:21: error: 'contains' does not compare numbers, as 'fd.num' is"));
  EXPECT_THAT(mistakes_of("fd.num = abc"), ElementsAre("2:23: error: 'abc' is no whole number"));
  EXPECT_THAT(mistakes_of("fd.sport in (80, htp)"), ElementsAre("2:31: error: 'htp' is no port"));
  EXPECT_THAT(mistakes_of("fd.sport = 70000"), ElementsAre("2:25: error: '70000' is no port"));
  EXPECT_THAT(mistakes_of("fd.sip = 300.1.1.1"), ElementsAre("2:23: error: '300.1.1.1' is no IP address"));
  EXPECT_THAT(mistakes_of("fd.snet = 10.0.0.0/40"),
              ElementsAre("2:24: error: '10.0.0.0/40' is no IP network such as 10.0.0.0/8"));
  EXPECT_THAT(mistakes_of("fd.snet = 10.0.0.0"),
              ElementsAre("2:24: error: '10.0.0.0' is no IP network such as 10.0.0.0/8"));
  EXPECT_THAT(mistakes_of("fd.sip startswith 10."),
              ElementsAre("2:21: error: 'startswith' does not compare IP addresses, as 'fd.sip' is"));
  EXPECT_THAT(mistakes_of("fd.connected = yes"), ElementsAre("2:29: error: 'yes' is neither true nor false"));
  EXPECT_THAT(mistakes_of("fd.connected > 1"),
              ElementsAre("2:27: error: '>' does not compare booleans, as 'fd.connected' is"));
  EXPECT_THAT(mistakes_of("container.mounts = /"),
              ElementsAre("2:31: error: '=' does not compare lists: use in, intersects or exists, as "
                          "'container.mounts' is"));
  EXPECT_THAT(mistakes_of("evt.buffer bcontains xyz"),
              ElementsAre("2:35: error: 'bcontains' takes bytes in hexadecimal, not 'xyz'"));
  EXPECT_THAT(mistakes_of("proc.name bcontains 00"),
              ElementsAre("2:24: error: 'bcontains' does not compare text, as 'proc.name' is"));
  EXPECT_THAT(mistakes_of("proc.name regex 'a['"),
              ElementsAre("2:30: error: this is no regular expression: missing ]: ["));
  EXPECT_THAT(mistakes_of("proc.name = \"\\x00\""), ElementsAre("2:26: error: a value cannot have a zero byte"));
}

TEST(Mistakes, OfFieldsAndTheirArguments) {
  EXPECT_THAT(mistakes_of("proc.name[1] = x"), ElementsAre("2:14: error: 'proc.name' takes no argument in brackets"));
  EXPECT_THAT(mistakes_of("proc.aname[x] = x"),
              ElementsAre("2:14: error: 'proc.aname' takes a number in brackets, not 'x'"));
  EXPECT_THAT(mistakes_of("evt.arg = x"), ElementsAre("2:14: error: 'evt.arg' needs an argument in brackets"));
  EXPECT_THAT(mistakes_of("evt.arg.flag = x"),
              ElementsAre("2:14: error: no event has an argument 'flag' (did you mean 'flags'?)"));
  EXPECT_THAT(mistakes_of("k8s.pod.label = x"),
              ElementsAre("2:14: error: 'k8s.pod.label' needs an argument in brackets"));
}

TEST(Mistakes, OfTransformersAndOtherFieldsOnTheRight) {
  EXPECT_THAT(mistakes_of("tolower(fd.num) = 1"), ElementsAre("2:14: error: tolower() takes one text"));
  EXPECT_THAT(mistakes_of("tolower(fd.ip) = 1"),
              ElementsAre("2:22: error: 'fd.ip' can stand on the left of an operator only"));
  EXPECT_THAT(mistakes_of("join(',', proc.name) = x"),
              ElementsAre("2:14: error: join() takes a separator and a list of texts"));
  EXPECT_THAT(mistakes_of("concat(proc.name) = x"), ElementsAre("2:14: error: concat() takes two texts or more"));
  EXPECT_THAT(mistakes_of("proc.name = val(fd.num)"),
              ElementsAre("2:30: error: 'proc.name' is text, and 'fd.num' is number"));
  EXPECT_THAT(mistakes_of("fd.snet = val(fd.sip)"),
              ElementsAre("2:28: error: 'fd.snet =' compares with constants only"));
  EXPECT_THAT(mistakes_of("proc.name regex val(proc.pname)"),
              ElementsAre("2:34: error: 'proc.name regex' compares with constants only"));
  EXPECT_THAT(mistakes_of("proc.name = val(proc.aname)"),
              ElementsAre("2:30: error: 'proc.aname' can stand on the left of an operator only"));
}

TEST(Mistakes, AllOfAConditionAreTold) {
  EXPECT_THAT(mistakes_of("(proc.nme = x or fd.num = y) and mac and fd.port = z"),
              ElementsAre("2:15: error: unknown field 'proc.nme' (did you mean 'proc.name'?)",
                          "2:40: error: 'y' is no whole number", "2:47: error: unknown macro 'mac'",
                          "2:65: error: 'z' is no port"));
}

TEST(Mistakes, WithinFoldedTextAreAtTheirLine) {
  EXPECT_THAT(mistakes_in("- rule: r\n  condition: >\n    fd.num = 1 and\n    (fd.num = 2\n     or fd.nmu = 3)\n" +
                          std::string(rest)),
              ElementsAre("5:9: error: unknown field 'fd.nmu' (did you mean 'fd.num'?)"));
  EXPECT_THAT(mistakes_in("- rule: r\n  condition: |2-\n    fd.num = 1\n\n      and fd.nmu = 3\n" + std::string(rest)),
              ElementsAre("5:11: error: unknown field 'fd.nmu' (did you mean 'fd.num'?)"));
  EXPECT_THAT(mistakes_in("- rule: r\n  condition: fd.num = 1\n    and fd.nmu = 3\n" + std::string(rest)),
              ElementsAre("3:9: error: unknown field 'fd.nmu' (did you mean 'fd.num'?)"));
}

TEST(Mistakes, WithinQuotedTextAreAtTheirColumn) {
  EXPECT_THAT(mistakes_of("'proc.args = \"it''s\" and fd.nmu = 3'"),
              ElementsAre("2:39: error: unknown field 'fd.nmu' (did you mean 'fd.num'?)"));
  EXPECT_THAT(mistakes_of(R"("proc.args = \"\u00e4\" and fd.nmu = 3")"),
              ElementsAre("2:42: error: unknown field 'fd.nmu' (did you mean 'fd.num'?)"));
  EXPECT_THAT(mistakes_of("proc.args = ä and fd.nmu = 3"),
              ElementsAre("2:32: error: unknown field 'fd.nmu' (did you mean 'fd.num'?)"))
      << "a column is a character";
}

TEST(Mistakes, BehindTagsAndAnchorsAreAtTheirColumn) {
  EXPECT_THAT(mistakes_of("!!str &a 'fd.nmu = 3'"),
              ElementsAre("2:24: error: unknown field 'fd.nmu' (did you mean 'fd.num'?)"));
  EXPECT_THAT(
      mistakes_in("- rule: r\r\n  condition: >-\r\n    fd.num = 1 and\r\n    fd.nmu = 3\r\n" + std::string(rest)),
      ElementsAre("4:5: error: unknown field 'fd.nmu' (did you mean 'fd.num'?)"));
}

TEST(Mistakes, AreWhereTheListOrMacroSaysThem) {
  EXPECT_THAT(mistakes_in("- list: ports\n  items: [80,\n    htp]\n" + rule_text("fd.sport in (ports)")),
              ElementsAre("3:5: error: 'htp' is no port"));
  EXPECT_THAT(mistakes_in("- macro: m\n  condition: fd.nmu = 1\n" + rule_text("m and m")),
              ElementsAre("2:14: error: unknown field 'fd.nmu' (did you mean 'fd.num'?)",
                          "4:14: error: macro 'm' has an error", "4:20: error: macro 'm' has an error"));
}

TEST(Mistakes, OfMacrosInNoRuleAreWarnings) {
  EXPECT_THAT(mistakes_in("- macro: m\n  condition: fd.nmu = 1\n"),
              ElementsAre("1:10: warning: no rule uses macro 'm'",
                          "2:14: warning: unknown field 'fd.nmu' (did you mean 'fd.num'?)"));
}

TEST(Mistakes, OfOrderAndRecursionOfMacros) {
  EXPECT_THAT(mistakes_in("- macro: a\n  condition: b\n- macro: b\n  condition: fd.num = 1\n" + rule_text("a or b")),
              ElementsAre("2:14: error: macro 'b' is defined later: a macro sees earlier ones only",
                          "6:14: error: macro 'a' has an error"));
  EXPECT_THAT(mistakes_in("- macro: a\n  condition: fd.num = 1\n- macro: b\n  condition: a\n"
                          "- macro: a\n  condition: and b\n  override: {condition: append}\n" +
                          rule_text("b")),
              ElementsAre("4:14: error: macro 'a' has an error", "6:18: error: macro 'b' contains itself",
                          "9:14: error: macro 'b' has an error"));
}

TEST(Mistakes, OfOutputs) {
  const auto of_output = [](const std::string& output) {
    return mistakes_in("- rule: r\n  condition: evt.type = open\n  desc: d\n  output: " + output +
                       "\n  priority: INFO\n");
  };
  EXPECT_THAT(of_output("a %proc.nam b"),
              ElementsAre("4:14: error: unknown field 'proc.nam' (did you mean 'proc.name'?)"));
  EXPECT_THAT(of_output("100% of it"), ElementsAre("4:15: error: expected a field, not ' '"));
  EXPECT_THAT(of_output("a %fd.ip"), ElementsAre("4:13: error: 'fd.ip' is for conditions, not for outputs"));
  EXPECT_THAT(of_output("n=%proc.name %20proc.pname %tolower(proc.name) %proc.aname[2]. %evt.arg.flags, %evt.time!"),
              IsEmpty());
}

TEST(Mistakes, OfRules) {
  EXPECT_THAT(mistakes_in("- rule: r\n  desc: d\n"),
              ElementsAre("1:3: error: 'condition' is missing", "1:3: error: 'output' is missing",
                          "1:3: error: 'priority' is missing"));
  EXPECT_THAT(mistakes_in("- rule: r\n  condition: evt.type = open\n  desc: d\n  output: o\n  priority: WARNIG\n"),
              ElementsAre("5:13: error: 'WARNIG' is no priority (did you mean 'WARNING'?)"));
  EXPECT_THAT(mistakes_in(rule_text("evt.type = open") + "  conditon: x\n"),
              ElementsAre("7:3: warning: unknown key 'conditon' is ignored (did you mean 'condition'?)"));
  EXPECT_THAT(mistakes_in(rule_text("evt.type = open") + "  enabled: perhaps\n"),
              ElementsAre("7:12: error: 'enabled' must be true or false"));
  EXPECT_THAT(mistakes_in(rule_text("evt.type = open") + "  tags: shell\n"),
              ElementsAre("7:9: error: 'tags' must be a list"));
  EXPECT_THAT(mistakes_in(rule_text("evt.type = open") + "  source: k8s_audit\n"),
              ElementsAre("1:9: warning: events of source 'k8s_audit' are not known: the rule is left out"));
  EXPECT_THAT(mistakes_in("- rule: r\n  condition:\n  desc: d\n  output: o\n  priority: INFO\n"),
              ElementsAre("2:3: error: 'condition' is empty"));
  EXPECT_THAT(mistakes_in("- rule: r\n  condition: [a]\n  desc: d\n  output: o\n  priority: INFO\n"),
              ElementsAre("2:14: error: 'condition' must be a text"));
}

TEST(Mistakes, OfOverrides) {
  const std::string before = rule_text("evt.type = open");  // six lines
  const auto of_override = [&](const std::string& more) { return mistakes_in(before + "- rule: r\n" + more); };
  EXPECT_THAT(of_override("  condition: or evt.type = close\n  override: {condition: apend}\n"),
              ElementsAre("9:25: error: an override is append or replace, not 'apend'"));
  EXPECT_THAT(of_override("  priority: DEBUG\n  override: {priority: append}\n"),
              ElementsAre("9:24: error: 'priority' cannot be appended to: use replace"));
  EXPECT_THAT(of_override("  priority: DEBUG\n  override: {prio: replace, priority: replace}\n"),
              ElementsAre("9:14: error: 'prio' cannot be overridden"));
  EXPECT_THAT(of_override("  priority: DEBUG\n  desc: x\n  override: {priority: replace}\n"),
              ElementsAre("9:3: error: 'desc' is given and 'override' does not name it"));
  EXPECT_THAT(of_override("  desc: x\n  override: {desc: replace, output: append}\n"),
              ElementsAre("9:29: error: 'output' is to be overridden and is not given"));
  EXPECT_THAT(of_override("  desc: x\n  append: true\n  override: {desc: replace}\n"),
              ElementsAre("9:3: error: 'append' and 'override' exclude each other"));
  EXPECT_THAT(mistakes_in(before + "- rule: rr\n  desc: x\n  override: {desc: replace}\n"),
              ElementsAre("7:9: error: there is no earlier rule 'rr' to override (did you mean 'r'?)"));
  EXPECT_THAT(mistakes_in("- list: l\n  items: [a]\n  override: {items: append}\n"),
              ElementsAre("1:9: error: there is no earlier list 'l' to append to"));
}

TEST(Mistakes, OfExceptions) {
  const auto of_exceptions = [](const std::string& exceptions) {
    return mistakes_in(rule_text("evt.type = open") + "  exceptions:\n" + exceptions);
  };
  EXPECT_THAT(of_exceptions("  - name: e\n    values: [a]\n"),
              ElementsAre("8:11: error: exception 'e' has no 'fields'"));
  EXPECT_THAT(of_exceptions("  - name: e\n    fields: proc.name\n    comps: startswith\n    values: [a]\n"),
              ElementsAre("10:12: error: with one field, 'comps' is in, pmatch, intersects, or an operator with oneof, "
                          "anyof or allof"));
  EXPECT_THAT(of_exceptions("  - name: e\n    fields: [proc.name, fd.name]\n    values:\n    - [a]\n"),
              ElementsAre("11:7: error: 2 fields need a list of 2 values"));
  EXPECT_THAT(of_exceptions("  - name: e\n    fields: [proc.name, fd.name]\n    comps: [=]\n"),
              ElementsAre("10:12: error: 2 fields need 2 comps"));
  EXPECT_THAT(of_exceptions("  - name: e\n    fields: [proc.name, fd.nme]\n    comps: [=, has]\n"),
              ElementsAre("10:16: error: 'has' is no operator"));
  EXPECT_THAT(of_exceptions("  - name: e\n    fields: [proc.name, fd.nme]\n    values:\n    - [a, b]\n"),
              ElementsAre("9:25: error: unknown field 'fd.nme' (did you mean 'fd.name'?)"));
  EXPECT_THAT(of_exceptions("  - name: e\n    fields: fd.sport\n    values: [80, htp]\n"),
              ElementsAre("10:18: error: 'htp' is no port"));
}

TEST(Mistakes, OfRequirements) {
  EXPECT_THAT(mistakes_in("- required_engine_version: 0.57.0\n- required_engine_version: 15\n"), IsEmpty());
  EXPECT_THAT(mistakes_in("- required_engine_version: 0.99.0\n"),
              ElementsAre("1:28: error: the rules need version 0.99.0 of Falco's engine; this understands 0.63.0"));
  EXPECT_THAT(mistakes_in("- required_engine_version: new\n"),
              ElementsAre("1:28: error: 'new' is no version such as 0.57.0"));
  EXPECT_THAT(mistakes_in("- required_plugin_versions:\n  - name: json\n    version: 0.7.0\n"),
              ElementsAre("2:5: error: there is no such plugin: only what 'container' tells is known"));
  EXPECT_THAT(mistakes_in("- required_plugin_versions:\n  - name: json\n    version: 0.7.0\n    alternatives:\n"
                          "    - name: container\n      version: 0.4.0\n"),
              IsEmpty());
}

TEST(Mistakes, ThatLookLikeSomethingElseAreWarnings) {
  EXPECT_THAT(mistakes_of("evt.type = opennat"),
              ElementsAre("2:25: warning: there is no event 'opennat' (did you mean 'openat'?)"));
  EXPECT_THAT(mistakes_of("evt.type = open and proc.name = proc.pname"),
              ElementsAre("2:46: warning: 'proc.pname' is a text here: the field's value is val(proc.pname)"));
  EXPECT_THAT(mistakes_in("- list: shell_binaries\n  items: [sh]\n" +
                          rule_text("proc.name in (shell_binarys) or proc.name in (shell_binaries)")),
              ElementsAre("4:28: warning: there is no list 'shell_binarys', so it is a text (did you mean "
                          "'shell_binaries'?)"));
  EXPECT_THAT(mistakes_in("- rule: r\n  condition: fd.num = 1\n  desc: d\n  output: o\n  priority: INFO\n"),
              ElementsAre("2:14: warning: the condition names no evt.type, so it is asked of every event, which is "
                          "expensive"));
  EXPECT_THAT(
      mistakes_in("- lst: x\n"),
      ElementsAre("1:3: warning: this is neither a list, a macro, a rule nor a requirement, and is ignored (did "
                  "you mean 'list'?)"));
}

TEST(Mistakes, OfYamlLeaveTheOtherItemsInForce) {
  const Loaded loaded = load_text(rule_text("evt.type = open") + "- macro: m\n  condition: [\n- list: {\n" +
                                  "- rule: r2\n  condition: fd.nmu = 1\n" + rest);
  EXPECT_EQ(loaded.rules->rules.size(), 1U);
  EXPECT_THAT(mistakes(loaded), ::testing::Contains("11:14: error: unknown field 'fd.nmu' (did you mean 'fd.num'?)"));
  EXPECT_GE(loaded.report.errors(), 3U);
}

TEST(Mistakes, OfYamlEndWhereYamlCppFindsNoEnd) {
  EXPECT_THAT(mistakes_in(",a"), ElementsAre("1:1: error: this is no YAML, or too many documents"));
}

TEST(Mistakes, LeaveTheRestOfTheSetInForce) {
  const Loaded loaded =
      load_texts({rule_text("fd.nmu = 1"), "- rule: good\n  condition: evt.type = open\n" + std::string(rest)});
  ASSERT_EQ(loaded.rules->rules.size(), 1U);
  EXPECT_EQ(loaded.rules->rules[0].name, "good");
  EXPECT_THAT(mistakes(loaded), ElementsAre("r1.yaml:2:14: error: unknown field 'fd.nmu' (did you mean 'fd.num'?)"));
}

TEST(Mistakes, AreShownWithTheirLine) {
  const Loaded loaded = load_text(rule_text("fd.num = 1 and\tfd.nmu = 2"));
  ASSERT_EQ(loaded.report.all().size(), 1U);
  EXPECT_EQ(render(loaded.report.all()[0], loaded.sources),
            "r.yaml:2:29: error: unknown field 'fd.nmu' (did you mean 'fd.num'?) (rule 'r')\n"
            "    2 |   condition: fd.num = 1 and fd.nmu = 2\n"
            "      |                             ^\n");
}

TEST(Mistakes, CannotMoveACursor) {
  const Loaded loaded =
      load_text("- rule: \"\\e[2J\"\n  desc: d\n  condition: \"fd.\\x1bx\"\n  output: o\n  priority: INFO\n");
  for (const Diagnostic& each : loaded.report.all())
    EXPECT_EQ(render(each, loaded.sources).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace subfloor::rules
