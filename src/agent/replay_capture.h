// SPDX-License-Identifier: Apache-2.0
// Replay of packets that were captured between the ends of connections.
#pragma once

#include <memory>

#include "agent/replay.h"
#include "capture/capture_file.h"
#include "capture/connections.h"

namespace subfloor::agent {

class CaptureReplay final : public Replay {
 public:
  CaptureReplay(const Config& config, std::unique_ptr<capture::CaptureFile> file);

  [[nodiscard]] Result<bool> read_some() override;
  void finish() override;
  [[nodiscard]] Nanoseconds to_unix(Nanoseconds instant) const override { return instant; }
  [[nodiscard]] bool knows_processes() const override { return false; }
  [[nodiscard]] const InputFile& file() const override { return file_->file(); }
  [[nodiscard]] std::vector<Figure> figures() const override;

 private:
  void tick(Nanoseconds now);

  std::unique_ptr<capture::CaptureFile> file_;
  capture::Connections connections_;
  capture::PacketDecoder decoder_;
  Nanoseconds now_ = 0;        // of the youngest packet so far
  Nanoseconds next_tick_ = 0;
};

}  // namespace subfloor::agent
