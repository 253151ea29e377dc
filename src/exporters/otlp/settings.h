// SPDX-License-Identifier: Apache-2.0
// Where and how one signal is sent: what was configured for all signals and for it alone, by OpenTelemetry's rules.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace subfloor::otlp {

enum class Signal : std::uint8_t { traces, metrics };
[[nodiscard]] constexpr std::string_view to_string(Signal signal) {
  return signal == Signal::traces ? "traces" : "metrics";
}

enum class Protocol : std::uint8_t { grpc, http_protobuf };

using Headers = std::vector<std::pair<std::string, std::string>>;

// What can be set for all signals, and for each of them alone. What is not set for a signal is as for all.
struct Settings {
  std::optional<std::string> endpoint;
  std::optional<Protocol> protocol;
  std::optional<Headers> headers;
  std::optional<bool> gzip;
  std::optional<Nanoseconds> timeout;      // of one request
  std::optional<std::string> ca;           // PEM files
  std::optional<std::string> certificate;
  std::optional<std::string> key;
  std::optional<bool> insecure;            // gRPC without TLS, where the endpoint does not say
  bool operator==(const Settings&) const = default;
};

// All of it decided.
struct Target {
  Protocol protocol = Protocol::http_protobuf;
  std::string address;  // HTTP: the whole URL; gRPC: host:port, or another name that gRPC resolves
  bool tls = false;
  Headers headers;      // HTTP names; lower case for gRPC
  bool gzip = false;
  Nanoseconds timeout = 0;
  std::string ca, certificate, key;

  // For people: without a query, which may hold a secret.
  [[nodiscard]] std::string display() const;
};

[[nodiscard]] Result<Target> resolve(Signal signal, const Settings& all, const Settings& own);

// "k1=v1,k2=v2" with percent-encoding, as in OTEL_EXPORTER_OTLP_HEADERS and OTEL_RESOURCE_ATTRIBUTES. The error names
// no value.
[[nodiscard]] Result<Headers> parse_pairs(std::string_view text);

// Is it a name, and a value, that HTTP and gRPC can carry and that are not theirs to set?
[[nodiscard]] Result<> check_header(std::string_view name, std::string_view value);

// Is this an endpoint that one of the protocols can use? The error does not repeat it.
[[nodiscard]] Result<> check_endpoint(std::string_view endpoint);

// text with the values of the headers replaced, its control characters too, and not too long for a log: a server may
// send back what it got.
[[nodiscard]] std::string scrubbed(std::string_view text, const Headers& headers);

}  // namespace subfloor::otlp
