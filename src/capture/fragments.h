// SPDX-License-Identifier: Apache-2.0
// Fragments: puts IP packets together that came in parts.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "base/clock.h"
#include "capture/ip.h"

namespace subfloor::capture {

class Fragments {
 public:
  struct Limits {
    std::size_t packets = 4096;                  // in the making
    std::size_t bytes = std::size_t{16} << 20;   // held for all of them
    Nanoseconds patience = 30'000'000'000;       // of capture time, since the first part
  };
  struct Counters {
    std::uint64_t fragments = 0;
    std::uint64_t whole = 0;       // packets put together
    std::uint64_t incomplete = 0;  // given up: parts missing for too long, or no room
    std::uint64_t overlapping = 0; // discarded, as Linux does: parts that overlap are an attack or damage
  };

  Fragments() : Fragments(Limits()) {}
  explicit Fragments(const Limits& limits) : limits_(limits) {}

  // The whole packet where this was its last missing part; its payload is valid until the next call. A part of which
  // not all was captured ends what is known of the content, not its length.
  [[nodiscard]] std::optional<IpPacket> add(const IpPacket& part, Nanoseconds now);

  // Gives up what is still incomplete.
  void finish();

  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] std::size_t bytes_held() const { return bytes_; }

 private:
  using Key = std::tuple<Ip, Ip, std::uint32_t, bool, std::uint8_t>;
  struct Part {
    std::uint64_t length = 0;
    std::string bytes;
  };
  struct Packet {
    std::map<std::uint64_t, Part> parts;  // by offset
    std::uint64_t total = 0;              // 0 until the last part came
    std::uint64_t got = 0;
    std::size_t held = 0;
    std::uint8_t protocol = 0;            // of the first part
    Nanoseconds begun = 0;
    bool overlapping = false;             // more of its parts may come: they are not to begin it anew
    std::list<Key>::iterator age;
  };
  using Packets = std::map<Key, Packet>;

  void expire(Nanoseconds now);
  void give_up(Packets::iterator packet);
  void discard_content(Packet& packet);
  [[nodiscard]] static bool overlaps(const Packet& packet, std::uint64_t begin, std::uint64_t end, bool& duplicate);
  [[nodiscard]] IpPacket assemble(const Packet& packet, const IpPacket& last);

  Limits limits_;
  Packets packets_;
  std::list<Key> by_age_;
  std::size_t bytes_ = 0;
  std::string whole_;
  Counters counters_;
};

}  // namespace subfloor::capture
