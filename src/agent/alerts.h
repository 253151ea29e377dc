// SPDX-License-Identifier: Apache-2.0
// The rules in force, and where alerts go.
#pragma once

#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "agent/config.h"
#include "base/result.h"
#include "detection/engine.h"
#include "exporters/json/line_writer.h"

namespace subfloor::agent {

class Alerts {
 public:
  explicit Alerts(detection::EventFacts::FindProcess find);

  // Opens the output, and reads the rules: a rule with a mistake is left out, and the mistake is in the log. An error,
  // and all as it was before, where a file cannot be read or the output not be opened.
  [[nodiscard]] Result<> configure(const RulesConfig& rules, const AlertsConfig& alerts);

  [[nodiscard]] detection::Engine& engine() { return engine_; }
  // The last ones, the oldest first: {"alerts":[…],"rules":n}, each alert as its line of JSON says it.
  [[nodiscard]] nlohmann::json recent() const;
  // {"rules":25,"mistakes":[…],"events":n,"alerts":n,"by_rule":{name:n},"files":{…}}
  [[nodiscard]] nlohmann::json status() const;

  // Some rule is left out for its mistakes.
  [[nodiscard]] bool mistaken() const { return !mistakes_.empty(); }

  // Writes what its reader takes.
  void flush();
  void finish(Nanoseconds deadline);

 private:
  static constexpr std::size_t most_recent = 1000;

  void tell(const rules::Alert& alert);

  detection::Engine engine_;
  std::unique_ptr<json::LineWriter> writer_;
  std::deque<std::string> recent_;  // lines of JSON
  std::vector<std::string> mistakes_;
};

}  // namespace subfloor::agent
