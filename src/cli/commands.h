// SPDX-License-Identifier: Apache-2.0
// What the smaller subcommands do. `config` is the path given with --config, "" for the default.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/exit_code.h"

namespace subfloor::cli {

[[nodiscard]] Exit run_agent(const std::string& config);
[[nodiscard]] Exit status(const std::string& config, bool json);
[[nodiscard]] Exit trace(const std::string& config, const std::string& id, bool json);
// Why an agent could not be asked.
[[nodiscard]] Exit complain_no_agent(const std::string& socket, const Error& error);

[[nodiscard]] Exit config_check(const std::string& file);
[[nodiscard]] Exit config_explain(const std::string& topic);
[[nodiscard]] Exit config_dump(const std::string& file);

}  // namespace subfloor::cli
