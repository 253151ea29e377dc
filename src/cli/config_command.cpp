// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "agent/config.h"
#include "cli/commands.h"
#include "cli/print.h"

namespace subfloor::cli {

Exit config_check(const std::string& file) {
  const auto config = agent::load_config(file);
  // Each line of it begins with file:line:column, as editors expect: so nothing is put in front.
  if (!config) {
    fmt::print(stderr, "{}\n", config.error().message);
    return Exit::usage;
  }
  const std::string name = file.empty() ? std::string(agent::default_config_path) : file;
  if (file.empty() && access(name.c_str(), F_OK) != 0)
    return print(fmt::format("ok: there is no {}, so everything is at its default\n", name));
  return print(fmt::format("ok: {}\n", name));
}

Exit config_explain(const std::string& topic) {
  const auto text = agent::explain_config(topic);
  return text ? print(*text)
              : complain(Exit::usage, text.error().message + "; `subfloor config explain` lists them all");
}

Exit config_dump(const std::string& file) {
  const auto config = agent::load_config(file);
  if (!config) {
    fmt::print(stderr, "{}\n", config.error().message);
    return Exit::usage;
  }
  return print(agent::dump_config(*config));
}

}  // namespace subfloor::cli
