// SPDX-License-Identifier: Apache-2.0
// The configuration: one YAML file, read once into plain values that never change afterwards.
// Every key is declared in one place, config_keys.cpp; reading, `config explain` and `config dump` follow from that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "exporters/otlp/deltas.h"
#include "exporters/otlp/retry.h"
#include "exporters/otlp/settings.h"
#include "protocols/session.h"
#include "rules/definitions.h"
#include "telemetry/metrics.h"
#include "telemetry/redaction.h"

namespace subfloor::agent {

inline constexpr std::string_view default_config_path = "/etc/subfloor/subfloor.yaml";

// Ways of attaching that can be forced.
inline constexpr std::array<std::string_view, 4> rungs{"fentry", "tracepoint", "kprobe", "syscall"};

// Which TCP ports are captured. `list` is in use only with Mode::list.
struct Ports {
  enum class Mode : std::uint8_t { automatic, classic, list };
  Mode mode = Mode::automatic;
  std::vector<std::uint16_t> list;

  // The ports the kernel filters by; empty: every port.
  [[nodiscard]] std::vector<std::uint16_t> resolve() const;
  bool operator==(const Ports&) const = default;
};

// Where a server listens. `host` is an IPv4 or IPv6 address without brackets, or a name.
struct Listen {
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const Listen&) const = default;
};

struct CaptureConfig {
  Ports ports;
  std::vector<std::uint16_t> dns_ports{53};
  bool unix_sockets = true;
  bool tls = true;                                 // plaintext of TLS libraries
  std::string rung;                                // forced way of attaching, "" for the best that works
  std::size_t header_limit = 4096;                 // bytes of header fields kept per message
  std::size_t data_ring = std::size_t{16} << 20;    // bytes
  std::size_t control_ring = std::size_t{512} << 10;  // bytes
  Nanoseconds drain_interval = 10'000'000;
  protocols::Extras extras;

  // TCP ports the kernel filters by, those of DNS among them; empty: every port.
  [[nodiscard]] std::vector<std::uint16_t> stream_ports() const;
  bool operator==(const CaptureConfig&) const = default;
};

// Whose calls become spans.
enum class SpanStrategy : std::uint8_t {
  automatic,  // those of every process but of those that export spans of their own
  ebpf,       // of every process
  hybrid,     // of every process: those that export their own have both, in one trace
  off,        // of none
};
// Their names in the configuration; nothing where it is none of them.
[[nodiscard]] std::optional<SpanStrategy> span_strategy(std::string_view name);

struct TracesConfig {
  SpanStrategy strategy = SpanStrategy::automatic;
  // Of single services or executables: "checkout=off". The first that fits counts.
  std::vector<std::string> overrides;
  std::size_t keep = std::size_t{4} << 20;  // bytes, of the last calls, for `subfloor trace`; 0: none
  bool always = false;                      // connect and keep calls though nobody exports spans or observes

  bool operator==(const TracesConfig&) const = default;
};

struct RedactionConfig {
  std::vector<std::string> headers = default_redacted_headers();
  std::vector<std::string> query = default_redacted_query_keys();
  bool operator==(const RedactionConfig&) const = default;
};

struct TelemetryConfig {
  bool aggregation = true;                 // false: one span per call
  Nanoseconds window = 5'000'000'000;
  std::size_t max_groups = 2000;
  std::size_t max_routes = 100;   // of a service
  std::size_t max_targets = 100;  // likewise, of each protocol
  std::size_t max_edges = 1000;   // of the service map

  // The window to aggregate over; 0: no aggregation.
  [[nodiscard]] Nanoseconds effective_window() const { return aggregation ? window : 0; }
  bool operator==(const TelemetryConfig&) const = default;
};

struct MetricsConfig {
  MetricConvention convention = MetricConvention::standard;  // spelled `default` in the file
  bool operator==(const MetricsConfig&) const = default;
};

struct PrometheusConfig {
  bool enabled = true;
  Listen listen{"127.0.0.1", 9464};
  bool operator==(const PrometheusConfig&) const = default;
};

struct JsonConfig {
  std::string spans;  // file, "-" for standard output, "" for none
  bool operator==(const JsonConfig&) const = default;
};

struct RulesConfig {
  std::vector<std::string> files;  // or folders of them
  rules::Priority priority = rules::Priority::debug;  // rules that matter less are left out
  bool operator==(const RulesConfig&) const = default;
};

struct AlertsConfig {
  std::string file;  // "-" for standard output, "" for none
  bool operator==(const AlertsConfig&) const = default;
};

struct ApiConfig {
  std::string socket = "/run/subfloor/api.sock";  // "" for none
  std::string group;                              // "" for root alone
  bool operator==(const ApiConfig&) const = default;
};

// Whether a signal is exported: automatic means where an endpoint is given.
enum class Enabled : std::uint8_t { automatic, on, off };

struct OtlpConfig {
  otlp::Settings all{.endpoint = std::nullopt,
                     .protocol = otlp::Protocol::http_protobuf,
                     .headers = otlp::Headers{},
                     .gzip = false,
                     .timeout = 10'000'000'000,
                     .ca = std::nullopt,
                     .certificate = std::nullopt,
                     .key = std::nullopt,
                     .insecure = false};
  otlp::Settings traces, metrics;  // what differs
  Enabled traces_enabled = Enabled::automatic, metrics_enabled = Enabled::automatic;
  Nanoseconds metric_interval = 60'000'000'000;
  otlp::Temporality temporality = otlp::Temporality::cumulative;
  std::size_t queue = std::size_t{16} << 20;   // bytes, of each signal
  Nanoseconds flush_timeout = 5'000'000'000;   // when the agent ends
  otlp::RetryLimits retry;

  [[nodiscard]] bool exports(otlp::Signal signal) const;
  [[nodiscard]] Result<otlp::Target> target(otlp::Signal signal) const;
  bool operator==(const OtlpConfig&) const = default;
};

struct ResourceConfig {
  std::string service_name;      // of the agent itself; "" for that of the attributes, else "subfloor"
  otlp::Headers attributes;      // of all that is exported
  bool operator==(const ResourceConfig&) const = default;
};

// Who is asked what containers are called: a path, or automatic, or nobody.
struct IdentityConfig {
  std::string cri_socket = "auto";  // a path; "auto": where one is found; "off": nobody

  [[nodiscard]] bool asks() const { return cri_socket != "off"; }
  bool operator==(const IdentityConfig&) const = default;
};

struct LogConfig {
  log::Level level = log::Level::info;
  bool operator==(const LogConfig&) const = default;
};

struct Config {
  CaptureConfig capture;
  RedactionConfig redaction;
  TelemetryConfig telemetry;
  TracesConfig traces;
  MetricsConfig metrics;
  PrometheusConfig prometheus;
  JsonConfig json;
  RulesConfig rules;
  AlertsConfig alerts;
  OtlpConfig otlp;
  ResourceConfig resource;
  IdentityConfig identity;
  ApiConfig api;
  LogConfig log;
  std::string file;  // where it was read from, "" for nowhere; no key
  bool operator==(const Config&) const = default;
};

// Reads YAML text; `file` only names it in messages. The error's message has one line per mistake, each
// "file:line:column: what" with line and column from 1.
[[nodiscard]] Result<Config> parse_config(std::string_view yaml, const std::string& file);

// Lays the environment's settings (OTEL_LOG_LEVEL …) over the configuration. lookup gives a variable's value, or null.
using Environment = const char* (*)(const char* name);
[[nodiscard]] Result<> apply_environment(Config& config, Environment lookup);

// The file at path, with the environment over it. An empty path is default_config_path where that exists, else the
// defaults.
[[nodiscard]] Result<Config> load_config(const std::string& path);

// The same as far as it can be understood, for who only wants to find the agent: after a mistake in the file, which its
// reload refused, it has to be possible to ask it what was wrong. `mistakes` receives them. An error where the file
// cannot be read at all.
[[nodiscard]] Result<Config> load_config_leniently(const std::string& path, std::string& mistakes);

// What the keys mean, for people. A section ("capture") or a key ("capture.ports") narrows it; an error where there is
// none.
[[nodiscard]] Result<std::string> explain_config(const std::string& topic = "");

// The configuration as YAML that parse_config reads back to the same values; or, masked, for others to read.
[[nodiscard]] std::string dump_config(const Config& config, bool masked = false);

}  // namespace subfloor::agent
