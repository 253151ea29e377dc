// SPDX-License-Identifier: Apache-2.0
#include "cli/live.h"

#include <cerrno>

#include "cli/status_view.h"

namespace subfloor::cli {

agent::Config Live::own_agent(const LiveOptions& options) const {
  agent::Config own = config;
  own.prometheus.enabled = false;
  own.api.socket.clear();
  own.json.spans.clear();
  own.rules = {};
  own.alerts = {};
  own.otlp = {};
  if (!options.rung.empty()) own.capture.rung = options.rung;
  if (options.ports) own.capture.ports = *options.ports;
  return own;
}

std::optional<Exit> find_agent(const LiveOptions& options, Live& live) {
  auto config = agent::load_config(options.config);
  if (!config) return complain(Exit::usage, config.error().message);
  live.config = *std::move(config);
  log::set_level(live.config.log.level);
  const std::string& socket = live.config.api.socket;
  if (socket.empty()) return std::nullopt;
  auto client = ApiClient::connect(socket);
  if (client) {
    if (!options.rung.empty() || options.ports)
      return complain(Exit::usage,
                      fmt::format("an agent is running (at {}) and has decided on rung and ports: leave out --rung "
                                  "and --ports, or stop it first",
                                  socket));
    live.client = *std::move(client);
    return std::nullopt;
  }
  if (client.error().code == ENOENT || client.error().code == ECONNREFUSED) return std::nullopt;
  if (client.error().code == EACCES)
    return complain(Exit::unsupported,
                    client.error().message + ": an agent is there, and only root and its group may ask it (api.group)");
  return complain(Exit::failed, client.error().message);
}

nlohmann::json ask_status(const std::string& socket) {
  auto client = ApiClient::connect(socket);
  if (!client) return nlohmann::json::object();
  auto status = client->status();
  return status ? *std::move(status) : nlohmann::json::object();
}

std::string rung_text(const nlohmann::json& status) {
  const std::string rung = payload_rung(status);
  return "rung: " + (rung.empty() ? "unknown" : rung);
}

}  // namespace subfloor::cli
