// SPDX-License-Identifier: Apache-2.0
// What the smaller subcommands do. `config` is the path given with --config, "" for the default.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>

#include "base/result.h"
#include "cli/exit_code.h"

namespace subfloor::cli {

[[nodiscard]] Exit run_agent(const std::string& config);
// The running agent's answer to a question of its API; or the exit code, where it has been said why there is none.
[[nodiscard]] tl::expected<nlohmann::json, Exit> ask_agent(const std::string& config, const std::string& question);
[[nodiscard]] Exit status(const std::string& config, bool json);
[[nodiscard]] Exit trace(const std::string& config, const std::string& id, bool json);
// Why an agent could not be asked.
[[nodiscard]] Exit complain_no_agent(const std::string& socket, const Error& error);

[[nodiscard]] Exit config_check(const std::string& file);
[[nodiscard]] Exit config_explain(const std::string& topic);
[[nodiscard]] Exit config_dump(const std::string& file);

}  // namespace subfloor::cli
