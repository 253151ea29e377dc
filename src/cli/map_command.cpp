// SPDX-License-Identifier: Apache-2.0
// `subfloor map`: the running agent's service map, once.
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/map/view.h"
#include "cli/print.h"
#include "cli/terminal.h"

namespace subfloor::cli {
namespace {

constexpr const char* map_footer = R"(Examples:
  sudo subfloor map                                who calls whom, as a tree
  sudo subfloor map --by pod                       each pod by itself
  sudo subfloor map -o dot | dot -Tsvg > map.svg   a picture, by Graphviz
  sudo subfloor map -o json | jq .edges

Rates, errors and times are of the last minute. A call between two processes of this host counts once.
Exit code 4: no agent is running.)";

Exit show_map(const Arguments& arguments) {
  const auto answer = ask_agent(arguments.config, arguments.map_by == "pod" ? "map_by_pod" : "map");
  if (!answer) return answer.error();
  if (arguments.map_output == "json")
    return print(answer->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  return print(arguments.map_output == "dot" ? map_dot(*answer) : map_tree(*answer, look_of(STDOUT_FILENO)));
}

}  // namespace

void add_map(CLI::App& app, Arguments& arguments, Command& chosen) {
  CLI::App& command = *app.add_subcommand("map", "Show which services call which");
  command.add_option("-o,--output", arguments.map_output, "tree: for people; dot: for Graphviz; json: one object")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"tree", "dot", "json"}).description(""))
      ->capture_default_str();
  command.add_option("--by", arguments.map_by, "service, or pod")
      ->type_name("WHAT")
      ->check(CLI::IsMember({"service", "pod"}).description(""))
      ->capture_default_str();
  add_config(command, arguments);
  command.footer(map_footer);
  command.callback([&] { chosen = [&] { return show_map(arguments); }; });
}

}  // namespace subfloor::cli
