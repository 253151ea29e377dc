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

std::string_view operation_name(const Call& call) {
  if (call.operation.empty()) return "_unknown";
  if (!call.protocol->family->http) return call.operation;
  const auto* const method = std::find(known_methods.begin(), known_methods.end(), call.operation);
  return method == known_methods.end() ? "_OTHER" : *method;
}

bool is_error(const Call& call) {
  if (!call.error.empty()) return true;
  if (!call.status || !call.protocol->family->http) return false;
  return *call.status >= 500 || (*call.status >= 400 && call.kind == Kind::client);
}

std::string error_type(const Call& call) {
  if (!is_error(call)) return {};
  return call.error.empty() ? std::to_string(*call.status) : call.error;
}

bool duration_known(const Call& call) {
  return call.start != 0 && call.end >= call.start && (call.partial & (partial_joined_late | partial_lost)) == 0;
}

std::string span_name(const Family& family, std::string_view operation, std::string_view target) {
  // OpenTelemetry: a span of an unknown HTTP method is named "HTTP".
  const bool named = !operation.empty() && operation != "_OTHER" && operation != "_unknown";
  if (family.http) return named ? std::string(operation) : "HTTP";
  if (!named) return std::string(target.empty() ? family.name : target);
  return target.empty() ? std::string(operation) : std::string(operation) + " " + std::string(target);
}

std::string status_text(const Family& family, int status) {
  return family.status_text != nullptr ? std::string(family.status_text(status)) : std::to_string(status);
}

std::string_view transport_text(Transport transport) {
  switch (transport) {
    case Transport::tcp: return "tcp";
    case Transport::udp: return "udp";
    case Transport::unix_stream: return "unix";
  }
  return {};
}

std::string duration_metric(const Family& family, Kind kind, bool otel) {
  const auto& names = otel ? family.otel_duration_metric : family.duration_metric;
  const std::string_view name = names[static_cast<std::size_t>(kind)];
  if (!name.empty()) return std::string(name);
  return std::string(family.name) + "." + std::string(to_string(kind)) + ".request.duration";
}

Server server_of(const Observation& observation) {
  Server server;
  server.host = observation.call.request_headers.find("host").value_or(std::string_view{}).substr(0, 255);
  if (!server.host.empty()) server.port = take_port(server.host);
  if (server.host.empty()) server.host = observation.server_name.substr(0, 255);
  const Connection& connection = observation.connection;
  if (server.port == 0 && connection.transport != Transport::unix_stream)
    server.port = observation.call.kind == Kind::client ? connection.remote.port : connection.local.port;
  return server;
}

}  // namespace subfloor::semantics
