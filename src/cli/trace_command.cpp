// SPDX-License-Identifier: Apache-2.0
// `subfloor trace ID`: one trace as a tree, from what the running agent keeps.
#include <unistd.h>

#include <cerrno>

#include "agent/config.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/trace_tree.h"
#include "exporters/api/client.h"
#include "exporters/api/filter.h"

namespace subfloor::cli {

Exit trace(const std::string& path, const std::string& text, bool json) {
  const Result<std::string> id = parse_trace_id(text);
  if (!id) return complain(Exit::usage, id.error().message);
  std::string mistakes;
  const auto config = agent::load_config_leniently(path, mistakes);
  if (!config) return complain(Exit::usage, config.error().message);
  if (!mistakes.empty()) fmt::print(stderr, "{}\n", mistakes);
  if (config->api.socket.empty())
    return complain(Exit::usage, "the configuration turns the agent's socket off (api.socket)");
  auto client = ApiClient::connect(config->api.socket);
  if (!client) return complain_no_agent(config->api.socket, client.error());
  const auto answer = client->trace(*id);
  if (!answer) return complain(Exit::failed, answer.error().message);
  const auto calls = answer->find("calls");
  if (calls == answer->end() || calls->empty()) {
    const bool keeps = answer->value("keeps", true);
    return complain(
        Exit::failed,
        keeps ? "the agent keeps no call of that trace (any more)"
              : "the agent keeps no calls: nobody observes or exports spans (traces.always), or traces.keep is 0");
  }
  return print(json ? answer->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                    : trace_tree(*answer, look_of(STDOUT_FILENO)));
}

}  // namespace subfloor::cli
