// SPDX-License-Identifier: Apache-2.0
#include "agent/alerts.h"

#include <unistd.h>

#include <array>
#include <utility>

#include "base/log.h"
#include "rules/load.h"

namespace subfloor::agent {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

}  // namespace

Alerts::Alerts(detection::EventFacts::FindProcess find)
    : engine_(std::move(find), host_name(), [this](const rules::Alert& alert) { tell(alert); }) {}

Result<> Alerts::configure(const RulesConfig& rules, const AlertsConfig& alerts) {
  rules::Loaded loaded;
  if (!rules.files.empty()) {
    TRY_ASSIGN(rules::Sources sources, rules::read_sources(rules.files));
    loaded = rules::load(std::move(sources), {.minimum = rules.priority, .append_output = {}});
  }
  std::unique_ptr<json::LineWriter> writer;
  if (!alerts.file.empty()) {
    TRY_ASSIGN(writer, json::LineWriter::make(alerts.file, "alerts"));
  }
  if (writer_) writer_->flush();
  writer_ = std::move(writer);
  mistakes_.clear();
  for (const rules::Diagnostic& each : loaded.report.all()) {
    std::string text = rules::render(each, loaded.sources);
    if (each.severity == rules::Severity::warning) {
      LOG_WARN("rules: {}", text);
    } else {
      LOG_ERROR("rules: {}", text);
      mistakes_.push_back(std::move(text));
    }
  }
  engine_.set_rules(loaded.rules);
  if (loaded.rules) LOG_INFO("{} rules in force", loaded.rules->rules.size());
  return {};
}

void Alerts::tell(const rules::Alert& alert) {
  std::string line = rules::to_json(alert);
  if (writer_) writer_->add([&](std::string& out) { out += line; });
  if (recent_.size() >= most_recent) recent_.pop_front();
  recent_.push_back(std::move(line));
}

nlohmann::json Alerts::recent() const {
  nlohmann::json alerts = nlohmann::json::array();
  for (const std::string& line : recent_) alerts.push_back(nlohmann::json::parse(line, nullptr, false));
  const rules::RuleSet* const rules = engine_.rules();
  return {{"alerts", std::move(alerts)}, {"rules", rules == nullptr ? 0 : rules->rules.size()}};
}

nlohmann::json Alerts::status() const {
  nlohmann::json by_rule = nlohmann::json::object();
  const rules::RuleSet* const rules = engine_.rules();
  for (std::size_t i = 0; rules != nullptr && i < rules->rules.size(); ++i) {
    if (const std::uint64_t count = engine_.alerts_by_rule()[i]; count != 0) by_rule[rules->rules[i].name] = count;
  }
  nlohmann::json status = {{"rules", rules == nullptr ? 0 : rules->rules.size()},
                           {"mistakes", mistakes_},
                           {"events", engine_.counters().events},
                           {"alerts", engine_.counters().alerts},
                           {"names_ignored", engine_.counters().ignored},
                           {"by_rule", std::move(by_rule)}};
  if (writer_) {
    const json::LineWriter::Counters& lines = writer_->counters();
    status["file"] = {{"written", lines.written}, {"dropped", lines.dropped}, {"errors", lines.errors}};
  }
  return status;
}

void Alerts::flush() {
  if (writer_) writer_->flush();
}

void Alerts::finish(Nanoseconds deadline) {
  if (writer_) writer_->finish(deadline);
}

}  // namespace subfloor::agent
