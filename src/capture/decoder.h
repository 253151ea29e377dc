// SPDX-License-Identifier: Apache-2.0
// PacketDecoder: captured packets → TCP segments and UDP datagrams.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "capture/fragments.h"
#include "capture/slice.h"
#include "model/connection.h"

namespace subfloor::capture {

struct Packet {
  Nanoseconds time = 0;  // Unix time
  Slice content;
};

struct TcpSegment {
  Nanoseconds time = 0;
  Address source, destination;
  std::uint32_t sequence = 0, acknowledged = 0;
  bool syn = false, ack = false, fin = false, reset = false;
  Slice payload;
};

struct UdpDatagram {
  Nanoseconds time = 0;
  Address source, destination;
  Slice payload;
};

// Payloads live only as long as the call.
class TransportReceiver {
 public:
  virtual void on_tcp(const TcpSegment& segment) = 0;
  virtual void on_udp(const UdpDatagram&) {}  // nobody reads datagrams yet

 protected:
  ~TransportReceiver() = default;
};

class PacketDecoder {
 public:
  struct Counters {
    std::uint64_t packets = 0;
    std::uint64_t tcp = 0, udp = 0;
    std::uint64_t other = 0;      // ARP, ICMP, tunnels …
    std::uint64_t truncated = 0;  // fewer bytes captured than passed (snaplen); of their headers enough may be there
    std::uint64_t malformed = 0;  // headers that cannot be, or of which not enough was captured
  };

  // link_type is libpcap's DLT_…, one that known_link() knows. The receiver outlives the decoder.
  PacketDecoder(int link_type, TransportReceiver& receiver) : link_type_(link_type), receiver_(receiver) {}

  void on_packet(const Packet& packet);
  // No more packets will come.
  void finish() { fragments_.finish(); }

  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] const Fragments::Counters& fragments() const { return fragments_.counters(); }

 private:
  [[nodiscard]] bool on_ip(const IpPacket& packet, Nanoseconds time);
  [[nodiscard]] bool on_tcp(const IpPacket& packet, Nanoseconds time);
  [[nodiscard]] bool on_udp(const IpPacket& packet, Nanoseconds time);

  int link_type_;
  TransportReceiver& receiver_;
  Fragments fragments_;
  Counters counters_;
};

}  // namespace subfloor::capture
