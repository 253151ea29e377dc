// SPDX-License-Identifier: Apache-2.0
#include "capture/connections.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>

namespace subfloor::capture {
namespace {

constexpr std::int64_t largest_window = std::int64_t{1} << 30U;
constexpr std::int64_t reset_slack = std::int64_t{1} << 20U;  // a reset need not carry the very next number

}  // namespace

struct Connections::Flow {
  // What one end sends.
  struct Half {
    ReorderBuffer order;
    std::optional<std::uint32_t> first;         // sequence number of its SYN
    std::optional<std::uint32_t> end;           // … of its FIN
    std::optional<std::uint32_t> acknowledged;  // by the other end
    Nanoseconds missed = 0;  // when bytes were first acknowledged that the capture has not shown; 0: none
  };

  Key key;
  SocketKey socket = 0;
  std::array<Half, 2> halves;
  std::optional<Side> server;
  bool opened = false;
  bool closed = false;
  Nanoseconds last = 0;
  std::size_t held = 0;  // of both halves, as accounted for
  std::list<Flow*>::iterator place;

  [[nodiscard]] const Address& end_of(Side side) const { return side == 0 ? key.low : key.high; }
  [[nodiscard]] bool from_the_start() const { return server && halves[*server].first; }
};

std::size_t Connections::Hash::operator()(const Key& key) const {
  std::array<char, 36> bytes;
  std::memcpy(bytes.data(), key.low.ip.data(), 16);
  std::memcpy(bytes.data() + 16, key.high.ip.data(), 16);
  std::memcpy(bytes.data() + 32, &key.low.port, 2);
  std::memcpy(bytes.data() + 34, &key.high.port, 2);
  return std::hash<std::string_view>()({bytes.data(), bytes.size()});
}

Connections::Connections(sensors::Events& events) : Connections(events, Limits()) {}

Connections::Connections(sensors::Events& events, const Limits& limits) : events_(events), limits_(limits) {}

Connections::~Connections() = default;

void Connections::on_tcp(const TcpSegment& segment) {
  expire(segment.time);
  const bool in_order = segment.source <= segment.destination;
  const Key key = in_order ? Key{segment.source, segment.destination} : Key{segment.destination, segment.source};
  const Side sender = in_order ? 0 : 1;
  Flow* flow = find_or_begin(segment, key, sender);
  if (flow == nullptr) return;
  touch(*flow, segment.time);
  if (segment.syn) take_syn(*flow, segment, sender);
  if (segment.ack) take_acknowledgement(*flow, segment, sender);
  if (segment.payload.length > 0) take_payload(*flow, segment, sender);
  if (segment.syn && segment.ack) give_held(*flow, 1 - sender);
  if (segment.fin) take_end(*flow, segment, sender);
  pass_gaps(*flow, segment.time, false);
  const auto over = [](const Flow::Half& each) { return each.end && each.order.ahead(*each.end) <= 0; };
  if ((segment.reset && take_reset(*flow, segment, sender)) || (over(flow->halves[0]) && over(flow->halves[1])))
    close(*flow, segment.time);
}

void Connections::on_udp(const UdpDatagram& datagram) {
  const bool asks = datagram.destination.port < datagram.source.port ||
                    (datagram.destination.port == datagram.source.port && datagram.destination < datagram.source);
  events_.on_datagram({.local = asks ? datagram.destination : datagram.source,
                       .remote = asks ? datagram.source : datagram.destination,
                       .outbound = !asks,
                       .bytes = datagram.payload.bytes,
                       .length = datagram.payload.length,
                       .when = datagram.time});
}

Connections::Flow* Connections::find_or_begin(const TcpSegment& segment, const Key& key, Side sender) {
  const auto found = flows_.find(key);
  if (found == flows_.end()) {
    const bool nothing_to_follow = segment.reset || (segment.fin && segment.payload.length == 0);
    return nothing_to_follow ? nullptr : &begin(key);
  }
  Flow& flow = *found->second;
  if (segment.syn && !segment.reset && begins_anew(flow, segment, sender)) {
    if (!flow.closed) close(flow, segment.time);
    remove(flow);
    return &begin(key);
  }
  if (!flow.closed) return &flow;
  ++counters_.after_close;
  return nullptr;
}

// The ports are used again. The same SYN may come twice, and that of a connection joined late, after its first bytes.
bool Connections::begins_anew(const Flow& flow, const TcpSegment& segment, Side sender) {
  const Flow::Half& half = flow.halves[sender];
  if (half.first) return *half.first != segment.sequence;
  if (flow.closed) return true;
  return half.order.known() && half.order.ahead(segment.sequence + 1) != 0;
}

Connections::Flow& Connections::begin(const Key& key) {
  while (!open_.empty() && open_.size() >= limits_.open) {
    Flow& idle = *open_.front();
    counters_.evicted += idle.opened ? 1 : 0;
    close(idle, idle.last);
    remove(idle);
  }
  auto& flow = flows_[key];
  flow = std::make_unique<Flow>();
  flow->key = key;
  flow->socket = ++last_key_;
  flow->place = open_.insert(open_.end(), flow.get());
  ++counters_.connections;
  return *flow;
}

void Connections::take_syn(Flow& flow, const TcpSegment& segment, Side sender) {
  if (!flow.server) flow.server = segment.ack ? sender : 1 - sender;
  Flow::Half& half = flow.halves[sender];
  half.first = segment.sequence;
  if (!half.order.known()) half.order.begin_at(segment.sequence + 1);
}

void Connections::take_acknowledgement(Flow& flow, const TcpSegment& segment, Side sender) {
  Flow::Half& half = flow.halves[1 - sender];
  if (!half.order.known()) half.order.begin_at(segment.acknowledged);
  const std::int64_t ahead = half.order.ahead(segment.acknowledged);
  if (ahead > largest_window || ahead < -largest_window) return;
  if (!half.acknowledged || static_cast<std::int32_t>(segment.acknowledged - *half.acknowledged) > 0)
    half.acknowledged = segment.acknowledged;
}

void Connections::take_payload(Flow& flow, const TcpSegment& segment, Side sender) {
  Flow::Half& half = flow.halves[sender];
  ReorderBuffer::Piece piece{segment.sequence + (segment.syn ? 1U : 0U), segment.time, segment.payload};
  if (!half.order.known()) half.order.begin_at(piece.position);
  const std::int64_t ahead = half.order.ahead(piece.position);
  if (ahead > largest_window || ahead < -largest_window) {
    ++counters_.out_of_place;
    return;
  }
  if (segment.syn &&
      !flow.halves[1 - sender].order.known()) {  // sent on trust: the answer tells where the other begins
    half.order.keep(piece);
    return account(flow);
  }
  switch (half.order.offer(piece)) {
    case ReorderBuffer::Verdict::seen_before:
      ++counters_.seen_before;
      if (flow.opened) events_.on_retransmit(flow.socket, segment.time);
      return;
    case ReorderBuffer::Verdict::next: give(flow, sender, piece); break;
    case ReorderBuffer::Verdict::held: ++counters_.out_of_order; break;
  }
  give_held(flow, sender);
  keep_within_limits(flow, sender, segment.time);
}

void Connections::take_end(Flow& flow, const TcpSegment& segment, Side sender) {
  Flow::Half& half = flow.halves[sender];
  const std::uint32_t end =
      segment.sequence + static_cast<std::uint32_t>(segment.payload.length) + (segment.syn ? 1U : 0U);
  if (!half.order.known()) half.order.begin_at(end);
  const std::int64_t ahead = half.order.ahead(end);
  if (ahead >= 0 && ahead <= largest_window) half.end = end;
}

void Connections::give_held(Flow& flow, Side sender) {
  while (const auto piece = flow.halves[sender].order.pop()) give(flow, sender, *piece);
  account(flow);
}

void Connections::give(Flow& flow, Side sender, const ReorderBuffer::Piece& piece) {
  if (!flow.opened) open(flow, piece.time);
  const ReorderBuffer& other = flow.halves[1 - sender].order;
  events_.on_stream_data({.key = flow.socket,
                          .outbound = sender == *flow.server,
                          .has_position = true,
                          .position = piece.position,
                          .length = piece.content.length,
                          .bytes = piece.content.bytes,
                          .other_position = other.known() ? other.next() : 0,
                          .begin = piece.time,
                          .end = piece.time});
  ReorderBuffer& order = flow.halves[sender].order;
  order.pass(piece.content.length);
  flow.halves[sender].missed = 0;
}

// Told of with its first byte: what never carried one is nobody's business. Where no SYN was seen, the lower port is
// taken for the server's, until the content says otherwise.
void Connections::open(Flow& flow, Nanoseconds when) {
  const bool whole = flow.from_the_start() && flow.halves[0].order.known() && flow.halves[1].order.known();
  if (!flow.server) flow.server = flow.key.low.port <= flow.key.high.port ? 0 : 1;
  const Side server = *flow.server;
  sensors::SocketOpened opened;
  opened.connection.key = flow.socket;
  opened.connection.local = flow.end_of(server);
  opened.connection.remote = flow.end_of(1 - server);
  opened.connection.joined_late = !whole;
  opened.connection.opened = when;
  opened.listening_side = opened.side_known = true;
  if (whole) {
    opened.inbound_position = flow.halves[1 - server].order.next();
    opened.outbound_position = flow.halves[server].order.next();
  }
  flow.opened = true;
  if (!whole) ++counters_.joined_late;
  events_.on_socket_opened(opened);
}

void Connections::pass_gap(Flow& flow, Side sender, std::uint64_t length, Nanoseconds when) {
  ++counters_.gaps;
  counters_.bytes_missing += length;
  give(flow, sender, {flow.halves[sender].order.next(), when, {{}, length}});
}

// Bytes that the receiver has acknowledged did arrive: where the capture has not shown them by then, it never will,
// but for packets that were captured out of order.
void Connections::pass_gaps(Flow& flow, Nanoseconds now, bool all) {
  for (const Side sender : {Side{0}, Side{1}}) {
    Flow::Half& half = flow.halves[sender];
    if (!half.order.known() || !half.acknowledged) continue;
    for (;;) {
      if (half.order.missing() == 0) give_held(flow, sender);  // data of a SYN, whose answer was not captured
      std::int64_t missing = half.order.ahead(*half.acknowledged);
      if (half.end) missing = std::min(missing, std::max<std::int64_t>(half.order.ahead(*half.end), 0));
      // One byte may be the FIN, not captured.
      if (missing <= (half.end ? 0 : 1)) break;
      if (const auto before_held = half.order.missing())
        missing = std::min(missing, static_cast<std::int64_t>(*before_held));
      if (half.missed == 0) half.missed = std::max<Nanoseconds>(now, 1);
      if (!all && now < half.missed + limits_.reordering) break;
      pass_gap(flow, sender, static_cast<std::uint64_t>(missing), now);
      give_held(flow, sender);
    }
  }
}

void Connections::keep_within_limits(Flow& flow, Side sender, Nanoseconds now) {
  const ReorderBuffer& order = flow.halves[sender].order;
  while (order.bytes_held() > limits_.held_each || (held_ > limits_.held_all && order.bytes_held() > 0)) {
    pass_gap(flow, sender, order.missing().value_or(0), now);
    give_held(flow, sender);
  }
}

void Connections::account(Flow& flow) {
  const std::size_t held = flow.halves[0].order.bytes_held() + flow.halves[1].order.bytes_held();
  held_ += held;
  held_ -= flow.held;
  flow.held = held;
}

bool Connections::take_reset(Flow& flow, const TcpSegment& segment, Side sender) {
  const ReorderBuffer& order = flow.halves[sender].order;
  const bool answers_syn = segment.ack && segment.sequence == 0 && !flow.opened;
  const std::int64_t ahead = order.known() ? order.ahead(segment.sequence) : 0;
  if (answers_syn || (ahead >= -reset_slack && ahead <= reset_slack)) return true;
  ++counters_.out_of_place;
  return false;
}

// No byte that is missing will come any more.
void Connections::give_all(Flow& flow, Nanoseconds when) {
  pass_gaps(flow, when, true);
  for (const Side sender : {Side{0}, Side{1}}) {
    while (const auto missing = flow.halves[sender].order.missing()) {
      if (*missing > 0) pass_gap(flow, sender, *missing, when);
      give_held(flow, sender);
    }
  }
}

void Connections::close(Flow& flow, Nanoseconds when) {
  give_all(flow, when);
  if (flow.opened) events_.on_socket_closed({.key = flow.socket, .when = when});
  flow.closed = true;
  closed_.splice(closed_.end(), open_, flow.place);
  while (closed_.size() > limits_.closed) remove(*closed_.front());
}

void Connections::touch(Flow& flow, Nanoseconds now) {
  flow.last = std::max(flow.last, now);
  open_.splice(open_.end(), open_, flow.place);
}

void Connections::expire(Nanoseconds now) {
  while (!closed_.empty() && now > closed_.front()->last + limits_.linger) remove(*closed_.front());
  while (!open_.empty() && now > open_.front()->last + limits_.idle) {
    Flow& idle = *open_.front();
    counters_.expired += idle.opened ? 1 : 0;
    close(idle, idle.last);
    remove(idle);
  }
}

void Connections::remove(Flow& flow) {
  held_ -= flow.held;
  (flow.closed ? closed_ : open_).erase(flow.place);
  flows_.erase(Key(flow.key));
}

void Connections::finish() {
  for (Flow* flow : open_) give_all(*flow, flow->last);
}

}  // namespace subfloor::capture
