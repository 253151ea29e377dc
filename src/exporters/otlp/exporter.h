// SPDX-License-Identifier: Apache-2.0
// The pipeline's side: spans and snapshots become batches for a sender. Cheap: what costs happens in the sender's
// thread.
#pragma once

#include <memory>
#include <vector>

#include "exporters/otlp/deltas.h"
#include "exporters/otlp/library.h"
#include "exporters/otlp/resource.h"
#include "exporters/otlp/sender.h"
#include "telemetry/metric_snapshot.h"
#include "telemetry/span.h"

namespace subfloor::otlp {

class SpanExporter final : public SpanSink {
 public:
  SpanExporter(std::shared_ptr<const Origin> origin, Sender& sender) : origin_(std::move(origin)), sender_(sender) {}

  void on_span(const Span& span) override;
  void on_window_closed(const WindowSummary& summary) override;

 private:
  void flush();

  std::shared_ptr<const Origin> origin_;
  Sender& sender_;
  std::vector<Span> pending_;
  std::size_t pending_bytes_ = 0;
};

class MetricExporter {
 public:
  MetricExporter(std::shared_ptr<const Origin> origin, Temporality temporality, Sender& sender)
      : origin_(std::move(origin)), deltas_(std::make_shared<Deltas>(temporality)), sender_(sender) {}

  void add(MetricSnapshot snapshot);

 private:
  std::shared_ptr<const Origin> origin_;
  std::shared_ptr<Deltas> deltas_;  // belongs to the sender's thread
  Sender& sender_;
};

}  // namespace subfloor::otlp
