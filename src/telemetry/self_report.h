// SPDX-License-Identifier: Apache-2.0
// What the agent knows of itself, and of the present moment, when metrics are asked for. The agent fills it; see
// self_metrics.h for how it becomes metrics.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/call.h"
#include "telemetry/metric_snapshot.h"
#include "telemetry/routes.h"

namespace subfloor {

struct SelfReport {
  struct Sensor {
    std::string family;           // "tcp_send"
    std::uint64_t seen = 0, submitted = 0, filtered = 0, bytes = 0;
  };
  struct Loss {
    std::string family, cause;    // "tcp_send", "ring_full"
    std::uint64_t count = 0;
  };
  struct Ring {
    std::string name;             // "data"
    double fill = 0;              // 0 to 1
  };

  struct Exporter {
    std::string name;             // "otlp_traces"
    std::uint64_t queued = 0;     // items: spans, points or lines; waiting or on their way
    std::uint64_t queued_bytes = 0;
    std::uint64_t sent = 0;       // items
    std::uint64_t requests = 0, failures = 0;  // attempts, and those of them that failed
    std::map<std::string_view, std::uint64_t> dropped;  // items, by cause
  };

  std::vector<Sensor> sensors;
  std::vector<Loss> losses;
  std::vector<Exporter> exporters;
  std::vector<Ring> rings;
  double completeness_window = 1, completeness_total = 1;
  std::uint64_t records = 0;       // read from the rings
  std::uint64_t calls = 0;         // delivered by protocols
  std::uint64_t merged_calls = 0;  // Windows::merged_calls()
  std::uint64_t routed_calls = 0;  // Windows::routed_calls()
  Routes::Counters routes;
  double cpu_seconds = 0;          // user and system, of the agent's process
  std::uint64_t resident_bytes = 0;
  double start_time_unix = 0;      // seconds
  std::string version;
  Labels build;                    // more labels of build_info
  Labels resource;                 // for target_info: "service.name", "host.name" …
};

// Fed by the owner at the moment of asking.
struct Gauges {
  struct Requests {
    std::string service;           // "" where it is not told apart
    const Family* family = &http_family;
    Kind kind = Kind::server;
    std::uint64_t active = 0;
  };
  struct Connections {
    std::string service;           // "" where it is not told apart
    std::optional<Kind> kind;
    std::uint64_t active = 0;
  };
  std::vector<Requests> requests;
  std::vector<Connections> connections;
};

}  // namespace subfloor
