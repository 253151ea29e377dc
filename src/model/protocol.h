// SPDX-License-Identifier: Apache-2.0
// What telemetry has to know of a protocol to name its calls as OpenTelemetry does. A protocol's folder defines one
// constant of each; everything else about it stays in that folder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace subfloor {

enum class Kind : std::uint8_t { server, client };
[[nodiscard]] constexpr std::string_view to_string(Kind kind) { return kind == Kind::server ? "server" : "client"; }

// Protocols that users take for one, and whose calls share their metrics: http1 and http2 are "http".
struct Family {
  std::string_view name;  // static; prefix of metrics
  bool http = false;      // has methods, paths, numeric status classes and body sizes

  // Attributes (OpenTelemetry's names, static) that carry fields of Call; empty: none does.
  std::string_view operation_key = "operation";
  std::string_view target_key = {};       // of Call::target
  std::string_view status_key = "status_code";
  std::string_view error_key = {};        // of Call::error, besides error.type
  // The text of a status, where the attribute is no number ("NOT_FOUND").
  std::string_view (*status_text)(int status) = nullptr;

  struct Constant {
    std::string_view key, value;  // {"db.system.name", "postgresql"}
  };
  std::span<const Constant> constants = {};

  // Names of the metric of durations by Kind, where it is not "<name>.<kind>.request.duration".
  std::array<std::string_view, 2> duration_metric = {};       // default convention
  std::array<std::string_view, 2> otel_duration_metric = {};  // OpenTelemetry's
  // Bounds in nanoseconds, each one of telemetry's bounds::duration; empty: those of HTTP.
  std::span<const std::uint64_t> duration_bounds = {};
  std::span<const std::uint64_t> otel_duration_bounds = {};
};

struct Protocol {
  std::string_view name;  // of the folder: "http1"
  const Family* family;
};

// OpenTelemetry's bounds of db.client.operation.duration, in nanoseconds.
inline constexpr std::array<std::uint64_t, 9> otel_database_bounds{1'000'000,     5'000'000,     10'000'000,
                                                                   50'000'000,    100'000'000,   500'000'000,
                                                                   1'000'000'000, 5'000'000'000, 10'000'000'000};

inline constexpr Family http_family{
    .name = "http", .http = true, .operation_key = "http.request.method", .status_key = "http.response.status_code"};

inline constexpr Family no_family{.name = "unknown"};
inline constexpr Protocol no_protocol{"unknown", &no_family};

}  // namespace subfloor
