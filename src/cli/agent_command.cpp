// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "agent/agent.h"
#include "agent/config.h"
#include "base/log.h"
#include "base/reactor.h"
#include "cli/commands.h"

namespace subfloor::cli {

Exit run_agent(const std::string& path) {
  const auto config = agent::load_config(path);
  if (!config) return complain(Exit::usage, config.error().message);
  log::set_level(config->log.level);
  auto reactor = Reactor::make();
  if (!reactor) return complain(Exit::failed, reactor.error().message);
  // Before the agent, so that no thread it makes takes a signal.
  const auto taken = (*reactor)->on_signals({SIGINT, SIGTERM}, [r = reactor->get()](int) { r->stop(); });
  if (!taken) return complain(Exit::failed, taken.error().message);
  const auto agent = agent::Agent::make(*config, **reactor);
  if (!agent) return complain_no_start(agent.error());
  LOG_INFO("ready");
  (*reactor)->run();
  LOG_INFO("stopping");
  return Exit::done;
}

}  // namespace subfloor::cli
