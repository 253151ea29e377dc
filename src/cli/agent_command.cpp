// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "agent/agent.h"
#include "agent/config.h"
#include "agent/service_manager.h"
#include "base/log.h"
#include "base/reactor.h"
#include "cli/commands.h"
#include "cli/status_view.h"

namespace subfloor::cli {
namespace {

// What the service manager shows of an agent that runs.
std::string summary(agent::Agent& agent) {
  const agent::ConfigState& state = agent.config_state();
  std::string text = fmt::format("observing by {}; configuration {}", payload_rung(agent.status()), state.generation);
  if (state.attempted && !state.last.succeeded) text += ", last reload refused: " + state.last.message;
  if (!state.restart.empty()) text += ", restart to change " + agent::join(state.restart);
  return text;
}

void reload(agent::Agent& agent, const agent::ServiceManager& manager, const std::string& path) {
  manager.reloading("reloading the configuration");
  (void)agent.reload(agent::load_config(path));
  manager.ready(summary(agent));
}

// The first signal is an orderly end. A second one, if that takes too long, is not.
void stop(Reactor& reactor) {
  reactor.release_signals({SIGINT, SIGTERM});
  reactor.stop();
}

Result<> serve(Reactor& reactor, const agent::ServiceManager& manager) {
  if (const Nanoseconds interval = manager.watchdog_interval(); interval != 0) {
    TRY_ASSIGN([[maybe_unused]] const int timer, reactor.every(interval, [&] { manager.watchdog(); }));
    reactor.run();
    reactor.cancel(timer);
  } else {
    reactor.run();
  }
  return {};
}

}  // namespace

Exit run_agent(const std::string& path) {
  const Nanoseconds begun = monotonic_now();
  const auto config = agent::load_config(path);
  if (!config) return complain(Exit::usage, config.error().message);
  log::set_level(config->log.level);
  auto manager = agent::ServiceManager::from_environment();
  if (!manager) return complain(Exit::failed, manager.error().message);
  auto reactor = Reactor::make();
  if (!reactor) return complain(Exit::failed, reactor.error().message);
  // Before the agent, so that no thread it makes takes a signal.
  agent::Agent* running = nullptr;
  const auto taken = (*reactor)->on_signals({SIGINT, SIGTERM, SIGHUP}, [&](int signal) {
    signal == SIGHUP ? reload(*running, *manager, path) : stop(**reactor);
  });
  if (!taken) return complain(Exit::failed, taken.error().message);
  const auto agent = agent::Agent::make(*config, **reactor);
  if (!agent) return complain_no_start(agent.error());
  running = agent->get();
  LOG_INFO("ready after {} ms", (monotonic_now() - begun) / 1'000'000);
  manager->ready(summary(*running));
  if (const auto served = serve(**reactor, *manager); !served) return complain(Exit::failed, served.error().message);
  LOG_INFO("stopping");
  manager->stopping("exporting what is left");
  running->finish();
  return Exit::done;
}

}  // namespace subfloor::cli
