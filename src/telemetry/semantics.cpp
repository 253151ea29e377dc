// SPDX-License-Identifier: Apache-2.0
#include "telemetry/semantics.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace subfloor::semantics {
namespace {

constexpr std::array<std::string_view, 10> known_methods{"GET",   "POST",    "PUT",     "HEAD",  "DELETE",
                                                         "PATCH", "OPTIONS", "CONNECT", "TRACE", "QUERY"};

// The port after the last ':' of "host:port" or "[v6]:port"; 0, and host as it was, where there is none.
int take_port(std::string_view& host) {
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || host.find(']', colon) != std::string_view::npos) return 0;
  if (host.front() != '[' && host.find(':') != colon) return 0;  // a bare IPv6 address
  int port = 0;
  const auto [end, error] = std::from_chars(host.data() + colon + 1, host.data() + host.size(), port);
  if (error != std::errc{} || end != host.data() + host.size() || port < 1 || port > 65535) return 0;
  host = host.substr(0, colon);
  return port;
}

}  // namespace

bool is_http(std::string_view protocol) { return protocol == "http1" || protocol == "http2"; }

std::string_view protocol_name(std::string_view protocol) { return is_http(protocol) ? "http" : protocol; }

std::string_view operation_name(const Call& call) {
  if (call.operation.empty()) return "_unknown";
  if (!is_http(call.protocol)) return call.operation;
  const auto* const method = std::find(known_methods.begin(), known_methods.end(), call.operation);
  return method == known_methods.end() ? "_OTHER" : *method;
}

bool is_error(const Call& call) {
  if (!call.error.empty()) return true;
  if (!call.status || !is_http(call.protocol)) return false;
  return *call.status >= 500 || (*call.status >= 400 && call.kind == Kind::client);
}

std::string error_type(const Call& call) {
  if (!is_error(call)) return {};
  return call.error.empty() ? std::to_string(*call.status) : call.error;
}

bool duration_known(const Call& call) {
  return call.start != 0 && call.end >= call.start && (call.partial & (partial_joined_late | partial_lost)) == 0;
}

Server server_of(const Observation& observation) {
  Server server;
  if (is_http(observation.call.protocol)) {
    server.host = observation.call.request_headers.find("host").value_or(std::string_view{}).substr(0, 255);
    if (!server.host.empty()) server.port = take_port(server.host);
  }
  const Connection& connection = observation.connection;
  if (server.port == 0 && connection.transport == Transport::tcp)
    server.port = observation.call.kind == Kind::client ? connection.remote.port : connection.local.port;
  return server;
}

}  // namespace subfloor::semantics
