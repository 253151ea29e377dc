// SPDX-License-Identifier: Apache-2.0
// Writes lines to a file or to standard output.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace subfloor::json {

// Never waits for a reader: what a full pipe does not take is kept, up to a limit, and tried again at the next flush;
// whole lines beyond the limit are dropped and counted. The process is expected to ignore SIGPIPE.
class LineWriter {
 public:
  using Append = std::function<void(std::string& out)>;  // one line, without its end
  struct Counters {
    std::uint64_t written = 0;  // lines given to the file or pipe, or waiting for it
    std::uint64_t dropped = 0;  // lines
    std::uint64_t errors = 0;   // writes that failed
  };

  // "-" is standard output; a file is made with mode 0600, and appended to. what: "spans", for messages. buffer_limit
  // in bytes.
  [[nodiscard]] static Result<std::unique_ptr<LineWriter>> make(const std::string& path, std::string what,
                                                                std::size_t buffer_limit = std::size_t{4} << 20);
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  void add(const Append& append);
  // Writes what can be written without waiting; true where nothing is left.
  bool flush();
  // The same, waiting until the deadline; what is left then is dropped.
  void finish(Nanoseconds deadline);

  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  LineWriter(Fd owned, int fd, std::string what, std::size_t buffer_limit);
  void drop_whole_lines();

  Fd owned_;
  int fd_;
  std::string what_;
  std::size_t buffer_limit_;
  std::string buffer_;  // lines not written yet
  std::size_t written_ = 0;  // bytes of the buffer that are
  char last_written_ = '\n';
  Counters counters_;
};

}  // namespace subfloor::json
