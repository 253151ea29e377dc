// SPDX-License-Identifier: Apache-2.0
// Tests that stand beside rules.
#include "rules/test_cases.h"

#include "rules/testing.h"

namespace subfloor::rules {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Outcome {
  std::vector<std::string> results, problems;
};

Outcome run(const std::vector<std::string>& texts) {
  const Loaded loaded = load_texts(texts);
  EXPECT_EQ(loaded.report.errors(), 0U) << render(loaded.report.all().front(), loaded.sources);
  Report report;
  Outcome outcome;
  for (const TestResult& result : run_tests(loaded, report))
    outcome.results.push_back(fmt::format("{} {}: {}{}{}", result.rule, result.name, result.passed ? "ok" : "failed",
                                          result.detail.empty() ? "" : ": ", result.detail));
  for (const Diagnostic& each : report.all()) {
    const Position at = loaded.sources[each.place.file].position(each.place.offset);
    outcome.problems.push_back(fmt::format("{}:{}: {}", at.line, at.column, each.message));
  }
  return outcome;
}

const std::string rule =
    "- rule: r\n  condition: evt.type = openat and fd.name startswith /etc/\n  desc: d\n"
    "  output: saw %fd.name\n  priority: INFO\n";

TEST(TestCases, StandBesideARule) {
  const Outcome outcome = run({rule + "  test:\n"
                                      "  - match: {evt.type: openat, fd.name: /etc/x}\n"
                                      "  - no_match: {evt.type: openat, fd.name: /tmp/x}\n"
                                      "  - {name: other event, no_match: {evt.type: close, fd.name: /etc/x}}\n"});
  EXPECT_THAT(outcome.results, ElementsAre("r case 1: ok", "r case 2: ok", "r other event: ok"));
  EXPECT_THAT(outcome.problems, IsEmpty());
}

TEST(TestCases, FailWithAReason) {
  const Outcome outcome = run({rule + "  test:\n"
                                      "  - match: {evt.type: openat, fd.name: /tmp/x}\n"
                                      "  - no_match: {evt.type: openat, fd.name: /etc/x}\n"});
  EXPECT_THAT(outcome.results,
              ElementsAre("r case 1: failed: the rule does not match this event", "r case 2: failed: saw /etc/x"));
}

TEST(TestCases, StandInAFileOfTheirOwnAndAreLikeOthers) {
  const Outcome outcome = run({rule,
                               "- test: r\n  cases:\n  - name: a\n    match: {evt.type: openat, fd.name: /etc/x}\n"
                               "  - like: a\n    no_match: {fd.name: }\n"
                               "  - like: a\n    no_match: {evt.type: open}\n"});
  EXPECT_THAT(outcome.results, ElementsAre("r a: ok", "r case 2: ok", "r case 3: ok"));
}

TEST(TestCases, TestADisabledRule) {
  const Outcome outcome = run({rule + "  enabled: false\n  test:\n  - match: {evt.type: openat, fd.name: /etc/x}\n"});
  EXPECT_THAT(outcome.results, ElementsAre("r case 1: ok"));
}

TEST(TestCases, ThatCannotBeRunAreTold) {
  EXPECT_THAT(run({rule + "  test:\n  - match: {fd.name: /etc/x}\n"}).problems,
              ElementsAre("7:5: the event has no 'evt.type'"));
  EXPECT_THAT(run({rule + "  test:\n  - match: {evt.type: openatt}\n"}).problems,
              ElementsAre("7:23: there is no event 'openatt' (did you mean 'openat'?)"));
  EXPECT_THAT(run({rule + "  test:\n  - match: {evt.type: openat, fd.nam: x}\n"}).problems,
              ElementsAre("7:31: unknown field 'fd.nam' (did you mean 'fd.name'?)"));
  EXPECT_THAT(run({rule + "  test:\n  - match: {evt.type: openat, fd.num: x}\n"}).problems,
              ElementsAre("7:31: 'x' is no number, as 'fd.num' is"));
  EXPECT_THAT(run({rule + "  test:\n  - match: {evt.type: openat, fd.num: [1]}\n"}).problems,
              ElementsAre("7:31: 'fd.num' has one value, not a list"));
  EXPECT_THAT(run({rule, "- test: rr\n  cases:\n  - match: {evt.type: openat}\n"}).problems,
              ElementsAre("1:9: there is no rule 'rr' to test (did you mean 'r'?)"));
  EXPECT_THAT(run({rule + "  test:\n  - like: a\n    match: {}\n"}).problems,
              ElementsAre("7:11: 'r' has no case 'a' to be like"));
  EXPECT_THAT(run({rule + "  test:\n  - name: a\n    like: a\n    match: {}\n"}).problems,
              ElementsAre("8:11: 'r' has no case 'a' to be like"));
}

TEST(TestCases, OfTheWrongFormAreMistakes) {
  EXPECT_THAT(mistakes(load_text(rule + "  test:\n  - {}\n")),
              ElementsAre("7:5: error: a case has either 'match' or 'no_match'"));
  EXPECT_THAT(mistakes(load_text(rule + "  test: x\n")), ElementsAre("6:9: error: 'test' must be a list"));
  EXPECT_THAT(mistakes(load_text("- test: r\n")),
              ElementsAre("1:3: error: 'cases' is missing: a list of events to match or not"));
}

}  // namespace
}  // namespace subfloor::rules
