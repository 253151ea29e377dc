// SPDX-License-Identifier: Apache-2.0
// The HTTP server Prometheus scrapes. It has threads of its own (two), so the snapshot callback runs in them, not in
// the reactor's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"

namespace subfloor::prometheus {

class PrometheusServer {
 public:
  // Text of /metrics, or nothing where it could not be had in time: then the answer is 503. Called from two threads.
  using Snapshot = std::function<std::optional<std::string>()>;

  // Binds; port 0: any free one. The error names address and cause. Who asks before serve() waits for it.
  [[nodiscard]] static Result<std::unique_ptr<PrometheusServer>> make(const std::string& host, std::uint16_t port,
                                                                      Snapshot snapshot);
  // Waits for answers under way: the snapshot callback must not be waiting for this thread longer than it is patient.
  ~PrometheusServer();
  PrometheusServer(const PrometheusServer&) = delete;
  PrometheusServer& operator=(const PrometheusServer&) = delete;

  // Serves /metrics, /healthz and /readyz, from threads that it makes. Once.
  [[nodiscard]] Result<> serve();
  // /readyz answers 503 until it is told.
  void set_ready(bool ready);
  [[nodiscard]] std::uint16_t port() const;

 private:
  struct Implementation;
  explicit PrometheusServer(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace subfloor::prometheus
