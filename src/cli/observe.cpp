// SPDX-License-Identifier: Apache-2.0
#include "cli/observe.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <functional>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "cli/live.h"
#include "cli/status_view.h"
#include "cli/viewer.h"
#include "exporters/api/client.h"
#include "exporters/json/json.h"

namespace subfloor::cli {
namespace {

std::string describe(const CallFilter& filter) {
  std::string all;
  const nlohmann::json given = filter.to_json();
  for (const auto& [key, value] : given.items())
    all += fmt::format("{}{} {}", all.empty() ? "" : ", ", key,
                       value.is_string() ? value.get<std::string>() : value.dump());
  return all.empty() ? "every call on this host" : "calls on this host with " + all;
}

void greet(const ObserveOptions& options, const std::string& how) {
  fmt::print(stderr, "watching {} ({}) · Ctrl-C to stop\n", describe(options.filter), how);
}

void summarise(const Viewer& viewer, std::uint64_t not_sent, std::uint64_t lost, const nlohmann::json& status) {
  // An agent that is gone says nothing of what it lost.
  const std::string lost_text = status.empty() ? "unknown" : std::to_string(lost);
  std::string line = fmt::format("{} call{} · {} lost · completeness {}", viewer.shown(),
                                 viewer.shown() == 1 ? "" : "s", lost_text, completeness_of(status));
  if (const std::uint64_t hidden = not_sent + viewer.dropped(); hidden > 0)
    line += fmt::format(" · {} not shown, the output being too slow", hidden);
  fmt::print(stderr, "{}\n", line);
}

Exit exit_of(const Viewer& viewer) {
  if (viewer.error() == 0 || viewer.error() == EPIPE) return Exit::done;
  return complain(Exit::failed, "standard output: " + errno_text(viewer.error()));
}

// What both ways of observing share: the view and its time limit.
Result<std::unique_ptr<Viewer>> open_view(Reactor& reactor, const ObserveOptions& options,
                                          std::function<void()> before_end = {}) {
  TRY_ASSIGN(std::unique_ptr<Viewer> viewer,
             Viewer::make(reactor, {options.json, options.limit, std::move(before_end)}));
  if (options.duration != 0) {
    TRY_ASSIGN([[maybe_unused]] const int timer, reactor.every(options.duration, [v = viewer.get()] { v->finish(); }));
  }
  return viewer;
}

// The reactor takes signals only once, and before any thread is made: the view they concern comes later.
Result<> take_signals(Reactor& reactor, std::unique_ptr<Viewer>& viewer) {
  std::vector<int> signals{SIGINT, SIGTERM, SIGWINCH};
  struct sigaction hangup{};
  if (sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN) signals.push_back(SIGHUP);  // nohup
  return reactor.on_signals(signals, [&](int signal) {
    if (signal == SIGWINCH) {
      if (viewer) viewer->resize();
    } else {
      viewer ? viewer->interrupt() : reactor.stop();
    }
  });
}

Exit observe_agent(const ObserveOptions& options, const std::string& socket, ApiClient client) {
  const Result<> agreed = client.observe(options.filter);
  if (!agreed) return complain(Exit::failed, agreed.error().message);
  auto reactor = Reactor::make();
  if (!reactor) return complain(Exit::failed, reactor.error().message);
  std::unique_ptr<Viewer> viewer;
  if (const auto taken = take_signals(**reactor, viewer); !taken) return complain(Exit::failed, taken.error().message);
  const nlohmann::json before = ask_status(socket);
  greet(options, fmt::format("through the agent at {}, {}", socket, rung_text(before)));
  auto opened = open_view(**reactor, options);
  if (!opened) return complain(Exit::failed, opened.error().message);
  viewer = std::move(*opened);

  std::uint64_t not_sent = 0;
  Error ended;
  const auto take = [&] {
    const Result<> received = client.receive();
    while (auto line = client.next()) {
      not_sent += line->dropped;
      if (line->dropped == 0) viewer->on_call(line->text);
    }
    if (received) return;
    ended = received.error();
    (*reactor)->remove(client.fd());
    viewer->finish();
  };
  take();  // what came with the agent's consent
  if (const auto watched = (*reactor)->watch(client.fd(), EPOLLIN, take); !watched)
    return complain(Exit::failed, watched.error().message);
  (*reactor)->run();

  if (viewer->error() == 0) {
    const nlohmann::json after = ask_status(socket);
    summarise(*viewer, not_sent, lost_of(after) - std::min(lost_of(after), lost_of(before)), after);
  }
  if (ended.code != 0) return complain(Exit::failed, ended.message);
  return exit_of(*viewer);
}

Exit observe_here(const ObserveOptions& options, const agent::Config& config) {
  auto reactor = Reactor::make();
  if (!reactor) return complain(Exit::failed, reactor.error().message);
  std::unique_ptr<Viewer> viewer;
  if (const auto taken = take_signals(**reactor, viewer); !taken) return complain(Exit::failed, taken.error().message);
  auto agent = agent::Agent::make(config, **reactor);
  if (!agent) return complain_no_start(agent.error());
  greet(options, rung_text((*agent)->status()));
  auto opened = open_view(**reactor, options, [&] { (*agent)->finish(); });
  if (!opened) return complain(Exit::failed, opened.error().message);
  viewer = std::move(*opened);
  std::string line;
  const int observer = (*agent)->add_observer([&](const Observation& observation) {
    if (!options.filter.matches(observation)) return;
    line.clear();
    json::append_json(line, observation);
    viewer->on_call(line);
  });
  (*reactor)->run();
  (*agent)->remove_observer(observer);
  if (viewer->error() == 0) {
    const nlohmann::json status = (*agent)->status();
    summarise(*viewer, 0, lost_of(status), status);
  }
  return exit_of(*viewer);
}

}  // namespace

Exit observe(const ObserveOptions& options) {
  Live found;
  if (const auto refused = find_agent(options.live, found)) return *refused;
  if (!found.client) return observe_here(options, found.own_agent(options.live));
  return observe_agent(options, found.config.api.socket, *std::move(found.client));
}

}  // namespace subfloor::cli
