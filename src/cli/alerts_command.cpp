// SPDX-License-Identifier: Apache-2.0
// `subfloor alerts`: what the running agent's rules have told of lately.
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace subfloor::cli {
namespace {

constexpr const char* alerts_footer = R"(Examples:
  sudo subfloor alerts               the last alerts, the newest at the end
  sudo subfloor alerts -o json | jq -r .rule | sort | uniq -c

The agent remembers the last thousand; alerts.file in its configuration keeps them all. Rules are files that rules.files
names; `subfloor rules check` finds their mistakes. Exit code 4: no agent is running.)";

// Red from Error on, yellow for Warning.
std::string_view colour_of(std::string_view priority) {
  if (priority == "Warning") return "33";
  return priority == "Notice" || priority == "Informational" || priority == "Debug" ? "" : "31";
}

std::string sentence(const nlohmann::json& alert, const Look& look) {
  const std::string time = alert.value("time", ""), priority = alert.value("priority", "");
  const std::string_view colour = look.colour ? colour_of(priority) : "";
  const std::string output = printable(alert.value("output", ""), look.utf8);
  return fmt::format("{}{:<13}{}  {}\n", colour.empty() ? "" : fmt::format("\033[{}m", colour), priority,
                     colour.empty() ? "" : "\033[0m", output.empty() ? time : output);
}

Exit show_alerts(const std::string& config, bool json) {
  const auto answer = ask_agent(config, "alerts");
  if (!answer) return answer.error();
  const auto alerts = answer->find("alerts");
  std::string text;
  if (alerts != answer->end()) {
    const Look look = look_of(STDOUT_FILENO);
    for (const nlohmann::json& alert : *alerts)
      text +=
          json ? alert.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n" : sentence(alert, look);
  }
  if (text.empty() && !json) {
    const auto rules = answer->value("rules", 0);
    text = rules == 0 ? "The agent has no rules: rules.files in its configuration names them.\n"
                      : fmt::format("No alert since the agent started; {} rules in force.\n", rules);
  }
  return print(text);
}

}  // namespace

void add_alerts(CLI::App& app, Arguments& arguments, Command& chosen) {
  CLI::App& command = *app.add_subcommand("alerts", "Show what the rules have told of lately");
  add_output(command, arguments);
  add_config(command, arguments);
  command.footer(alerts_footer);
  command.callback([&] { chosen = [&] { return show_alerts(arguments.config, arguments.output == "json"); }; });
}

}  // namespace subfloor::cli
