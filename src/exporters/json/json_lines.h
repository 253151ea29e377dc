// SPDX-License-Identifier: Apache-2.0
// Writes spans, a line each, to a file or to standard output.
#pragma once

#include <memory>
#include <string>

#include "exporters/json/line_writer.h"
#include "telemetry/span.h"

namespace subfloor::json {

class JsonLinesExporter final : public SpanSink {
 public:
  using Counters = LineWriter::Counters;

  // As LineWriter::make; what waits for its reader is tried again when a window closes.
  [[nodiscard]] static Result<std::unique_ptr<JsonLinesExporter>> make(const std::string& path,
                                                                       std::size_t buffer_limit = std::size_t{4} << 20);

  void on_span(const Span& span) override;
  void on_window_closed(const WindowSummary&) override { flush(); }
  void finish(Nanoseconds deadline) override { writer_->finish(deadline); }

  // As LineWriter's.
  bool flush() { return writer_->flush(); }

  [[nodiscard]] const Counters& counters() const { return writer_->counters(); }

 private:
  explicit JsonLinesExporter(std::unique_ptr<LineWriter> writer) : writer_(std::move(writer)) {}

  std::unique_ptr<LineWriter> writer_;
};

}  // namespace subfloor::json
