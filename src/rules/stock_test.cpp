// SPDX-License-Identifier: Apache-2.0
// Falco's own rule files.
#include <gtest/gtest.h>

#include <filesystem>

#include "rules/load.h"

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

TEST_F(StockRules, IncubatingFileLoadsUnchanged) {
  expect_counts(load_file("falco-incubating_rules.yaml"), 31, 82, 54);
}

TEST_F(StockRules, SandboxFileLoadsUnchanged) { expect_counts(load_file("falco-sandbox_rules.yaml"), 37, 183, 60); }

}  // namespace
}  // namespace subfloor::rules
