// SPDX-License-Identifier: Apache-2.0
// Connections: TCP segments of both directions → what a sensor would tell of the server's socket.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>

#include "capture/decoder.h"
#include "capture/reorder.h"
#include "sensors/sensor.h"

namespace subfloor::capture {

class Connections final : public TransportReceiver {
 public:
  struct Limits {
    std::size_t open = 65536;                          // connections followed at a time
    std::size_t closed = 16384;                        // and remembered, so that what straggles in is known as such
    Nanoseconds idle = 3'600'000'000'000;              // capture time without a segment that ends a connection
    Nanoseconds linger = 60'000'000'000;               // … that forgets a closed one
    std::size_t held_each = std::size_t{4} << 20;      // bytes out of order, per direction
    std::size_t held_all = std::size_t{256} << 20;     // bytes out of order, in all
    Nanoseconds reordering = 5'000'000;  // how long after its acknowledgement a byte may still turn up in the capture
  };
  struct Counters {
    std::uint64_t connections = 0;
    std::uint64_t joined_late = 0;  // their beginning is not in the capture
    std::uint64_t out_of_order = 0;  // segments put back into order
    std::uint64_t seen_before = 0;  // segments that brought nothing new: retransmissions, copies, keep-alives
    std::uint64_t gaps = 0, bytes_missing = 0;
    std::uint64_t out_of_place = 0;  // segments that no window allows, resets that fit nowhere
    std::uint64_t after_close = 0;
    std::uint64_t expired = 0;  // idle for too long
    std::uint64_t evicted = 0;  // there were too many: the longest idle went
  };

  // The receiver of events outlives this.
  explicit Connections(sensors::Events& events);
  Connections(sensors::Events& events, const Limits& limits);
  ~Connections();

  void on_tcp(const TcpSegment& segment) override;
  // Told as if by the end with the lower port: ephemeral ones are high.
  void on_udp(const UdpDatagram& datagram) override;
  // The capture is over: gives what waits for missing bytes. Connections stay open: nobody saw them end.
  void finish();

  [[nodiscard]] std::size_t size() const { return flows_.size(); }
  [[nodiscard]] std::size_t bytes_held() const { return held_; }
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  // Both ends, the lower first, so that either direction finds it.
  struct Key {
    Address low, high;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };
  struct Flow;
  using Side = std::size_t;  // 0: the lower end sends

  [[nodiscard]] Flow* find_or_begin(const TcpSegment& segment, const Key& key, Side sender);
  [[nodiscard]] static bool begins_anew(const Flow& flow, const TcpSegment& segment, Side sender);
  Flow& begin(const Key& key);
  void take_syn(Flow& flow, const TcpSegment& segment, Side sender);
  void take_acknowledgement(Flow& flow, const TcpSegment& segment, Side sender);
  void take_payload(Flow& flow, const TcpSegment& segment, Side sender);
  static void take_end(Flow& flow, const TcpSegment& segment, Side sender);
  [[nodiscard]] bool take_reset(Flow& flow, const TcpSegment& segment, Side sender);
  void give_held(Flow& flow, Side sender);
  void give(Flow& flow, Side sender, const ReorderBuffer::Piece& piece);
  void open(Flow& flow, Nanoseconds when);
  void pass_gap(Flow& flow, Side sender, std::uint64_t length, Nanoseconds when);
  void pass_gaps(Flow& flow, Nanoseconds now, bool all);
  void give_all(Flow& flow, Nanoseconds when);
  void keep_within_limits(Flow& flow, Side sender, Nanoseconds now);
  void account(Flow& flow);
  void close(Flow& flow, Nanoseconds when);
  void touch(Flow& flow, Nanoseconds now);
  void expire(Nanoseconds now);
  void remove(Flow& flow);

  sensors::Events& events_;
  Limits limits_;
  std::unordered_map<Key, std::unique_ptr<Flow>, Hash> flows_;
  std::list<Flow*> open_, closed_;  // longest idle first
  SocketKey last_key_ = 0;
  std::size_t held_ = 0;
  Counters counters_;
};

}  // namespace subfloor::capture
