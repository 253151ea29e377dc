// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cerrno>

#include "agent/config.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/status_view.h"
#include "exporters/api/client.h"

namespace subfloor::cli {

Exit complain_no_agent(const std::string& socket, const Error& error) {
  if (error.code == ENOENT || error.code == ECONNREFUSED)
    return complain(Exit::failed, fmt::format("no agent answers at {}; start one with `subfloor agent`", socket));
  if (error.code == EACCES)
    return complain(Exit::unsupported, error.message + ": only root and the agent's group (api.group) may ask it");
  return complain(Exit::failed, error.message);
}

tl::expected<nlohmann::json, Exit> ask_agent(const std::string& path, const std::string& question) {
  const auto fails = [](Exit code) { return tl::unexpected<Exit>(code); };
  std::string mistakes;
  const auto config = agent::load_config_leniently(path, mistakes);
  if (!config) return fails(complain(Exit::usage, config.error().message));
  // No reason not to ask: an agent that runs has refused this file, and says so.
  if (!mistakes.empty()) fmt::print(stderr, "{}\n", mistakes);
  const std::string& socket = config->api.socket;
  if (socket.empty())
    return fails(complain(Exit::usage, "the configuration turns the agent's socket off (api.socket)"));
  auto client = ApiClient::connect(socket);
  if (!client) return fails(complain_no_agent(socket, client.error()));
  auto answer = client->ask(question);
  if (!answer) return fails(complain(Exit::failed, answer.error().message));
  return *std::move(answer);
}

Exit status(const std::string& path, bool json) {
  const auto answer = ask_agent(path, "status");
  if (!answer) return answer.error();
  return print(json ? answer->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                    : status_table(*answer, look_of(STDOUT_FILENO)));
}

}  // namespace subfloor::cli
