// SPDX-License-Identifier: Apache-2.0
#include "capture/fragments.h"

#include <utility>

namespace subfloor::capture {
namespace {

constexpr std::uint64_t longest_packet = 65535;
constexpr std::size_t cost_of_part = 64;  // beside its bytes

}  // namespace

std::optional<IpPacket> Fragments::add(const IpPacket& part, Nanoseconds now) {
  ++counters_.fragments;
  expire(now);
  const std::uint64_t begin = part.offset, end = begin + part.payload.length;
  if (part.payload.length == 0 || end > longest_packet) return std::nullopt;

  const Key key{part.source, part.destination, part.id, part.is_ipv4, part.is_ipv4 ? part.protocol : 0};
  auto [entry, fresh] = packets_.try_emplace(key);
  Packet& packet = entry->second;
  if (fresh) {
    packet.begun = now;
    packet.age = by_age_.insert(by_age_.end(), key);
  }
  if (packet.overlapping) return std::nullopt;
  bool duplicate = false;
  const bool beyond_end = packet.total != 0 && (end > packet.total || (!part.more && end != packet.total));
  if (beyond_end || overlaps(packet, begin, end, duplicate)) {
    ++counters_.overlapping;
    packet.overlapping = true;
    discard_content(packet);
    return std::nullopt;
  }
  if (duplicate) return std::nullopt;
  if (!part.more) packet.total = end;
  if (begin == 0) packet.protocol = part.protocol;
  packet.parts[begin] = {part.payload.length, std::string(part.payload.bytes)};
  packet.got += part.payload.length;
  packet.held += part.payload.bytes.size() + cost_of_part;
  bytes_ += part.payload.bytes.size() + cost_of_part;
  if (packet.total != 0 && packet.got == packet.total) {
    const IpPacket whole = assemble(packet, part);
    ++counters_.whole;
    discard_content(packet);
    by_age_.erase(packet.age);
    packets_.erase(entry);
    return whole;
  }
  while (packets_.size() > limits_.packets || bytes_ > limits_.bytes) give_up(packets_.find(by_age_.front()));
  return std::nullopt;
}

void Fragments::finish() {
  while (!packets_.empty()) give_up(packets_.begin());
}

void Fragments::expire(Nanoseconds now) {
  while (!by_age_.empty()) {
    const auto oldest = packets_.find(by_age_.front());
    if (now <= oldest->second.begun + limits_.patience) return;
    give_up(oldest);
  }
}

void Fragments::give_up(Packets::iterator packet) {
  if (!packet->second.overlapping) ++counters_.incomplete;
  discard_content(packet->second);
  by_age_.erase(packet->second.age);
  packets_.erase(packet);
}

void Fragments::discard_content(Packet& packet) {
  bytes_ -= std::exchange(packet.held, 0);
  packet.parts.clear();
}

// duplicate: the very same bytes again, which is no harm.
bool Fragments::overlaps(const Packet& packet, std::uint64_t begin, std::uint64_t end, bool& duplicate) {
  const auto next = packet.parts.lower_bound(begin);
  if (next != packet.parts.end() && next->first == begin && next->second.length == end - begin) {
    duplicate = true;
    return false;
  }
  if (next != packet.parts.end() && next->first < end) return true;
  if (next == packet.parts.begin()) return false;
  const auto before = std::prev(next);
  return before->first + before->second.length > begin;
}

IpPacket Fragments::assemble(const Packet& packet, const IpPacket& last) {
  whole_.clear();
  for (const auto& [offset, part] : packet.parts) {
    if (offset != whole_.size()) break;  // of the part before, not all was captured
    whole_.append(part.bytes);
  }
  IpPacket whole = last;
  whole.protocol = packet.protocol;
  whole.is_fragment = whole.more = false;
  whole.offset = 0;
  whole.payload = {whole_, packet.total};
  return whole;
}

}  // namespace subfloor::capture
