// SPDX-License-Identifier: Apache-2.0
// Writes spans, a line each, to a file or to standard output.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"
#include "telemetry/span.h"

namespace subfloor::json {

// Never waits for a reader: what a full pipe does not take is kept, up to a limit, and tried again at the next window;
// whole lines beyond the limit are dropped and counted. The process is expected to ignore SIGPIPE.
class JsonLinesExporter final : public SpanSink {
 public:
  struct Counters {
    std::uint64_t written = 0;  // lines given to the file or pipe, or waiting for it
    std::uint64_t dropped = 0;  // lines
    std::uint64_t errors = 0;   // writes that failed
  };

  // "-" is standard output; a file is made with mode 0600, and appended to. buffer_limit in bytes.
  [[nodiscard]] static Result<std::unique_ptr<JsonLinesExporter>> make(const std::string& path,
                                                                       std::size_t buffer_limit = std::size_t{4} << 20);
  virtual ~JsonLinesExporter();
  JsonLinesExporter(const JsonLinesExporter&) = delete;
  JsonLinesExporter& operator=(const JsonLinesExporter&) = delete;

  void on_span(const Span& span) override;
  void on_window_closed(const WindowSummary& summary) override;
  void finish(Nanoseconds deadline) override;

  // Writes what can be written without waiting; true where nothing is left.
  bool flush();

  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  JsonLinesExporter(Fd owned, int fd, std::size_t buffer_limit);
  void drop_whole_lines();

  Fd owned_;
  int fd_;
  std::size_t buffer_limit_;
  std::string buffer_;       // lines not written yet
  std::size_t written_ = 0;  // bytes of the buffer that are
  char last_written_ = '\n';
  Counters counters_;
};

}  // namespace subfloor::json
