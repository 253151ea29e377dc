// SPDX-License-Identifier: Apache-2.0
// DNS over TCP: each message has its length in front, in two bytes.
#include <algorithm>

#include "protocols/dns/session.h"

namespace subfloor::protocols::dns {
namespace {

constexpr std::uint32_t prefix_size = 2;
constexpr std::uint32_t least_message = header_size + 5;  // the root's name, its type and class
constexpr std::uint64_t worth_skipping = 1024;

}  // namespace

Next DnsSession::on_stream(const Segment& segment, CallSink& sink) {
  Stream& in = stream(segment.direction);
  std::string_view bytes = segment.bytes;
  if (in.searching) {
    const bool found = bytes.size() >= prefix_size + least_message && segment.bytes.size() == segment.length &&
                       looks_like_message(bytes.substr(prefix_size)) == Parse::complete;
    if (!found) return {};
    in.searching = false;
  }
  while (!bytes.empty()) {
    if (take_stream(in, bytes, segment, sink)) continue;
    if (!searched_) return {.action = Next::Action::invalid};
    search(in);
    return {};
  }
  pass_uncopied(in, segment.length - segment.bytes.size(), segment, sink);
  const std::uint32_t rest = in.prefix == prefix_size ? in.length - in.passed : 0U;
  if (in.content.size() >= content_limit && rest >= worth_skipping)
    return {.action = Next::Action::skip, .bytes = rest};
  return {};
}

// Takes some bytes off; false where they cannot be DNS.
bool DnsSession::take_stream(Stream& in, std::string_view& bytes, const Segment& segment, CallSink& sink) {
  if (in.prefix < prefix_size) {
    if (in.prefix == 0) {
      in.first = segment;
      in.first.bytes = {};
      in.length = 0;
    }
    in.length = static_cast<std::uint16_t>(in.length << 8U | static_cast<std::uint8_t>(bytes.front()));
    bytes.remove_prefix(1);
    if (++in.prefix < prefix_size) return true;
    in.content.clear();
    in.passed = 0;
    in.cut = false;
    return in.length >= header_size;
  }
  const auto step = static_cast<std::uint32_t>(std::min<std::size_t>(in.length - in.passed, bytes.size()));
  if (!in.cut) in.content.append(bytes.substr(0, std::min<std::size_t>(step, content_limit - in.content.size())));
  bytes.remove_prefix(step);
  in.passed += step;
  if (in.passed < in.length) return true;
  const bool understood = on_message(
      {in.content, in.length, segment.direction, in.first.begin, segment.end, in.first.pid, in.first.tid}, sink);
  in.prefix = 0;
  in.content.clear();
  return understood || in.cut;
}

// Bytes that nobody copied: of a message whose length is known they are counted, else its beginning is lost.
void DnsSession::pass_uncopied(Stream& in, std::uint64_t count, const Segment& segment, CallSink& sink) {
  if (count == 0) return;
  const std::uint64_t rest = in.prefix == prefix_size ? in.length - in.passed : 0U;
  in.cut = true;
  if (count < rest) {
    in.passed += static_cast<std::uint32_t>(count);
    return;
  }
  if (count == rest) {
    (void)on_message(
        {in.content, in.length, segment.direction, in.first.begin, segment.end, in.first.pid, in.first.tid}, sink);
    in.prefix = 0;
    in.content.clear();
    return;
  }
  on_lost(segment.direction, segment.end, sink);
}

void DnsSession::search(Stream& in) {
  searched_ = true;
  in.searching = true;
  in.prefix = 0;
  in.content.clear();
  in.content.shrink_to_fit();
}

}  // namespace subfloor::protocols::dns
