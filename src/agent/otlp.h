// SPDX-License-Identifier: Apache-2.0
// From the configuration to the OTLP exporters of those signals that are on.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/config.h"
#include "base/result.h"
#include "exporters/otlp/exporter.h"
#include "telemetry/self_report.h"

namespace subfloor::agent {

class OtlpExport {
 public:
  // Null where no signal is on. Errors: this build cannot, or a certificate cannot be read. A collector that is not
  // there is none.
  [[nodiscard]] static Result<std::unique_ptr<OtlpExport>> make(const Config& config, const otlp::Origin& origin);

  [[nodiscard]] SpanSink* spans() { return spans_.exporter.get(); }  // null where they are off
  [[nodiscard]] bool takes_metrics() const { return metrics_.exporter != nullptr; }
  void add(MetricSnapshot snapshot) { metrics_.exporter->add(std::move(snapshot)); }

  // Delivers what waits, and this as the last, within the time configured for that.
  void finish(MetricSnapshot last);

  [[nodiscard]] std::vector<SelfReport::Exporter> report() const;
  // For status, by exporter's name: endpoint, protocol, and the last error where there is one.
  [[nodiscard]] nlohmann::json details() const;

 private:
  template <class Exporter>
  struct Way {
    std::string endpoint, protocol;
    std::unique_ptr<otlp::Sender> sender;
    std::unique_ptr<Exporter> exporter;
  };

  OtlpExport() = default;
  template <class Exporter>
  [[nodiscard]] static Result<> open(const Config& config, otlp::Signal signal, Way<Exporter>& way);
  template <class Take>
  void for_each(Take take) const;

  Nanoseconds flush_timeout_ = 0;
  Way<otlp::SpanExporter> spans_;
  Way<otlp::MetricExporter> metrics_;
};

}  // namespace subfloor::agent
