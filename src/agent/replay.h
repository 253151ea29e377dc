// SPDX-License-Identifier: Apache-2.0
// Replay: everything after the kernel, fed from a file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/config.h"
#include "agent/pipeline.h"
#include "base/input_file.h"
#include "base/result.h"

namespace subfloor::agent {

class Replay {
 public:
  // One number of the report, and what it counts: "packets", "bytes missing".
  struct Figure {
    std::string name;
    std::uint64_t count = 0;
    bool is_loss = false;  // above 0, calls may be missing or not whole
  };

  // Finds out what the file is: pcap, pcapng or a recording, each also within gzip; "-" is standard input. What cannot
  // be opened or is none of these is an error that says so.
  [[nodiscard]] static Result<std::unique_ptr<Replay>> open(const Config& config, const std::string& path);
  virtual ~Replay() = default;
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  int add_observer(CallObserver observer) { return pipeline_.add_observer(std::move(observer)); }

  // Reads some thousand records on; false at the end of the file. After an error there is no more to read, and all that
  // came before it has been given, but for calls that are unfinished.
  [[nodiscard]] virtual Result<bool> read_some() = 0;
  // Gives the calls that are unfinished, marked as such.
  virtual void finish() = 0;

  // Unix time of an instant as calls carry it.
  [[nodiscard]] virtual Nanoseconds to_unix(Nanoseconds instant) const = 0;
  [[nodiscard]] virtual bool knows_processes() const = 0;
  [[nodiscard]] virtual const InputFile& file() const = 0;
  [[nodiscard]] virtual std::vector<Figure> figures() const = 0;

 protected:
  Replay(const Config& config, sensors::Steering* steering, Origin origin)
      : pipeline_(config, steering, nowhere_, origin) {}
  [[nodiscard]] Pipeline& pipeline() { return pipeline_; }
  [[nodiscard]] const Pipeline& pipeline() const { return pipeline_; }

 private:
  class Nowhere final : public SpanSink {
    [[nodiscard]] bool wanted() const override { return false; }
    void on_span(const Span&) override {}
  };
  Nowhere nowhere_;
  Pipeline pipeline_;
};

}  // namespace subfloor::agent
