// SPDX-License-Identifier: Apache-2.0
#include "agent/replay_capture.h"

#include <algorithm>
#include <utility>

namespace subfloor::agent {
namespace {

constexpr int packets_at_once = 4096;
constexpr Nanoseconds second = 1'000'000'000;

}  // namespace

CaptureReplay::CaptureReplay(const Config& config, std::unique_ptr<capture::CaptureFile> file)
    : Replay(config, nullptr, Origin::packets),
      file_(std::move(file)),
      connections_(pipeline()),
      decoder_(file_->link_type(), connections_) {}

Result<bool> CaptureReplay::read_some() {
  for (int i = 0; i < packets_at_once; ++i) {
    TRY_ASSIGN(const auto packet, file_->next());
    if (!packet) return false;
    tick(packet->time);
    decoder_.on_packet(*packet);
  }
  return true;
}

// As the agent's timer does, by the capture's clock.
void CaptureReplay::tick(Nanoseconds now) {
  now_ = std::max(now_, now);
  if (now_ < next_tick_) return;
  next_tick_ = now_ + second;
  pipeline().tick(now_);
}

void CaptureReplay::finish() {
  decoder_.finish();
  connections_.finish();
  pipeline().finish(now_);
}

std::vector<Replay::Figure> CaptureReplay::figures() const {
  const auto& packets = decoder_.counters();
  const auto& connections = connections_.counters();
  const auto& fragments = decoder_.fragments();
  return {{"packets", packets.packets},
          {"connections", connections.connections},
          {"joined late", connections.joined_late},
          {"UDP datagrams not read", pipeline().datagrams().counters().unknown},
          {"other packets not read", packets.other},
          {"packets cut short by the capture", packets.truncated},
          {"segments out of order", connections.out_of_order},
          {"segments seen before", connections.seen_before},
          {"segments after the close", connections.after_close},
          {"gaps", connections.gaps, true},
          {"bytes missing", connections.bytes_missing, true},
          {"malformed packets", packets.malformed, true},
          {"segments out of place", connections.out_of_place, true},
          {"incomplete fragmented packets", fragments.incomplete, true},
          {"overlapping fragmented packets", fragments.overlapping, true},
          {"connections given up as idle", connections.expired, true},
          {"connections given up for want of room", connections.evicted, true}};
}

}  // namespace subfloor::agent
