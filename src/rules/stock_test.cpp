// SPDX-License-Identifier: Apache-2.0
// Falco's own rule files.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "rules/load.h"
#include "rules/test_cases.h"

namespace subfloor::rules {
namespace {

// Beside the project, where it has a folder of data; its README says what is in it.
std::filesystem::path stock_folder() {
  return std::filesystem::path(SUBFLOOR_SOURCE_DIR).parent_path() / "shared/data/falco-rules";
}

class StockRules : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(stock_folder())) GTEST_SKIP() << "missing data: " << stock_folder().string();
  }

  static Loaded load_file(const std::string& name) {
    auto sources = read_sources({(stock_folder() / name).string()});
    EXPECT_TRUE(sources) << sources.error().message;
    return load(std::move(*sources));
  }

  static void expect_counts(const Loaded& loaded, std::size_t rules, std::size_t macros, std::size_t lists) {
    for (const Diagnostic& each : loaded.report.all())
      EXPECT_EQ(each.severity, Severity::warning) << render(each, loaded.sources);
    EXPECT_EQ(loaded.rules->rules.size(), rules);
    EXPECT_EQ(loaded.rules->macro_count, macros);
    EXPECT_EQ(loaded.rules->list_count, lists);
  }
};

TEST_F(StockRules, StableFileLoadsUnchanged) { expect_counts(load_file("falco_rules.yaml"), 25, 87, 49); }

// tests/rules/stable_test.yaml: for each rule an event that it describes, and benign twins.
TEST_F(StockRules, EachStableRuleMatchesWhatItDescribesAndNotItsTwin) {
  const auto cases = std::filesystem::path(SUBFLOOR_SOURCE_DIR) / "tests/rules/stable_test.yaml";
  auto sources = read_sources({(stock_folder() / "falco_rules.yaml").string(), cases.string()});
  ASSERT_TRUE(sources) << sources.error().message;
  const Loaded loaded = load(std::move(*sources));
  expect_counts(loaded, 25, 87, 49);
  Report problems;
  std::map<std::string, std::pair<int, int>> tested;  // how often it must match, and must not
  for (const TestResult& result : run_tests(loaded, problems)) {
    EXPECT_TRUE(result.passed) << result.rule << ": " << result.name << ": " << result.detail;
    ++(result.expected ? tested[result.rule].first : tested[result.rule].second);
  }
  EXPECT_EQ(problems.count(), 0U);
  for (const Rule& rule : loaded.rules->rules) {
    EXPECT_GE(tested[rule.name].first, 1) << rule.name;
    EXPECT_GE(tested[rule.name].second, 1) << rule.name;
  }
}

// 19 system calls run the whole stable set.
TEST_F(StockRules, StableFileNeedsFewEvents) {
  const Loaded loaded = load_file("falco_rules.yaml");
  const Requirements needs = requirements_of(*loaded.rules);
  EXPECT_EQ(needs.events.count(), 19U);
  EXPECT_FALSE(needs.events.test(index_of("read"_event)));
  EXPECT_EQ(loaded.rules->buckets[index_of("openat"_event)].size(), 5U);
}

TEST_F(StockRules, IncubatingFileLoadsUnchanged) {
  expect_counts(load_file("falco-incubating_rules.yaml"), 31, 82, 54);
}

TEST_F(StockRules, SandboxFileLoadsUnchanged) { expect_counts(load_file("falco-sandbox_rules.yaml"), 37, 183, 60); }

}  // namespace
}  // namespace subfloor::rules
