// SPDX-License-Identifier: Apache-2.0
#include "streams/streams.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "streams/addresses.h"
#include "streams/stream.h"

namespace subfloor::streams {
namespace {

using protocols::Direction;
using protocols::Guess;
using protocols::Next;
using protocols::Segment;

// Fewer bytes than this pass in one transfer as a rule: steering would come too late to save anything.
constexpr std::uint64_t worth_skipping = 16384;
constexpr std::uint64_t furthest_skip = 1U << 30;  // sequence numbers are compared as signed differences
constexpr std::uint16_t prefix_limit = 64;         // bytes kept while a protocol asks for more to recognise it by
constexpr std::size_t hand_overs_limit = 4;        // of one connection: each needs another protocol's agreement
constexpr int tries_joined_late = 256;  // segments without a message start before a stream counts as unknown
constexpr Nanoseconds unix_idle_limit = 600'000'000'000;
constexpr Nanoseconds longest_retry = 600'000'000'000;

}  // namespace

class Streams::Delivery final : public protocols::CallSink {
 public:
  Delivery(Streams& streams, Stream& stream) : streams_(streams), stream_(stream) {}
  void on_call(Call& call) override {
    ++streams_.counters_.calls;
    if (streams_.settings_.on_the_wire && call.kind == Kind::client) return give_as_servers(call);
    if (call.pid == 0) call.pid = stream_.pid;
    const std::uint32_t peer = streams_.peer_pid(stream_);
    streams_.receiver_.on_call(call, stream_.connection, call.pid, peer);
  }
  void on_request(const Call& call, Kind kind) override {
    if (streams_.follower_ == nullptr) return;
    streams_.find_peer(stream_);
    streams_.follower_->on_request(call, kind, stream_.connection, call.pid != 0 ? call.pid : stream_.pid);
  }

 private:
  // Which end listens was a guess, and the content says that it was wrong.
  void give_as_servers(Call& call) {
    Connection connection = stream_.connection;
    std::swap(connection.local, connection.remote);
    call.kind = Kind::server;
    streams_.receiver_.on_call(call, connection, call.pid, 0);
  }

  Streams& streams_;
  Stream& stream_;
};

Streams::Streams(Settings settings, sensors::Steering* steering, CallReceiver& receiver)
    : settings_(settings), steering_(steering), receiver_(receiver) {}

Streams::~Streams() = default;

void Streams::find_peer(Stream& stream) const {
  if (stream.connection.transport != Transport::tcp || stream.peer_sought == tuples_version_) return;
  stream.peer_sought = tuples_version_;
  const auto entry = by_tuple_.find(ends_of(stream.connection, true));
  stream.connection.peer = entry == by_tuple_.end() ? 0 : entry->second;
}

std::uint32_t Streams::peer_pid(Stream& stream) const {
  find_peer(stream);
  if (stream.connection.peer == 0) return 0;
  const auto peer = streams_.find(stream.connection.peer);
  return peer == streams_.end() ? 0 : peer->second->pid;
}

void Streams::on_opened(const sensors::SocketOpened& opened) {
  std::unique_ptr<Stream>& slot = streams_[opened.connection.key];
  if (!slot) slot = std::make_unique<Stream>();
  Stream& stream = *slot;
  stream.id = opened.connection.key;
  // Where an older socket stands may be ahead of records that still wait in the rings, among them that of its birth.
  if (opened.connection.transport == Transport::tcp && !opened.connection.joined_late && !stream.heard) {
    stream.track(Direction::inbound) = {.known = true, .next = opened.inbound_position};
    stream.track(Direction::outbound) = {.known = true, .next = opened.outbound_position};
  }
  // Who is described again, by a census, is no later than it was.
  const bool known = stream.described != 0 && opened.connection.joined_late;
  const bool late = (stream.heard || known) && stream.connection.joined_late;
  const std::uint32_t retransmits = stream.connection.retransmits;
  const SocketKey peer = stream.connection.peer != 0 ? stream.connection.peer : opened.peer;
  stream.connection = opened.connection;
  stream.connection.peer = peer;
  stream.connection.joined_late = late || (opened.connection.joined_late && !known);
  // What it says may be anything, in bulk: until somebody understands it, its beginnings will do.
  if (stream.connection.joined_late && !stream.session && steering_ != nullptr)
    steering_->copy_deep(opened.connection.key, false);
  stream.described = std::max({census_, opened.connection.opened, Nanoseconds{1}});
  stream.connection.retransmits = retransmits;
  if (stream.pid == 0) stream.pid = opened.pid;
  if (opened.side_known) stream.kind = opened.listening_side ? Kind::server : Kind::client;
  stream.last_seen = std::max(stream.last_seen, opened.connection.opened);
  if (stream.connection.transport == Transport::tcp) {
    by_tuple_[ends_of(stream.connection, false)] = opened.connection.key;
    ++tuples_version_;
    stream.in_tuples = true;
  } else if (steering_ != nullptr && !stream.off) {
    steering_->copy(opened.connection.key, false);  // known now: the kernel need not describe it again
  }
}

Streams::Stream& Streams::stream_of(const sensors::StreamData& data) {
  std::unique_ptr<Stream>& slot = streams_[data.key];
  if (!slot) {  // its description was lost, or is on its way
    slot = std::make_unique<Stream>();
    slot->connection.key = data.key;
    slot->id = data.key;
    slot->connection.joined_late = true;
    if (!data.has_position) slot->connection.transport = Transport::unix_stream;
  }
  return *slot;
}

void Streams::on_data(const sensors::StreamData& data) {
  if (settings_.tls) join_.on_data(data);
  take(stream_of(data), data);
}

void Streams::take(Stream& stream, const sensors::StreamData& data) {
  stream.heard = true;
  if (data.pid != 0) stream.pid = data.pid;
  stream.last_seen = data.end;
  if (stream.off) {
    if (auto* steering = steering_of(stream)) steering->off(data.key);  // was on its way, or displaced since
    return;
  }
  Segment segment{.direction = data.outbound ? Direction::outbound : Direction::inbound,
                  .bytes = data.bytes,
                  .length = data.length,
                  .begin = data.begin,
                  .end = data.end,
                  .pid = data.pid,
                  .tid = follower_ != nullptr ? follower_->task_of(data.pid, data.tid, data.goroutine) : data.tid,
                  .sleeps = data.sleeps};
  if (data.has_position) {
    Stream::Track& track = stream.track(segment.direction);
    if (!track.known) {
      track.known = true;
      track.next = data.position;
    }
    const auto ahead = static_cast<std::int32_t>(data.position - track.next);
    if (ahead > 0) {
      const std::int32_t skipped = track.skipping ? static_cast<std::int32_t>(track.skip_until - track.next) : 0;
      counters_.bytes_missed += static_cast<std::uint64_t>(ahead - std::clamp(skipped, 0, ahead));
      Segment gap = segment;
      gap.bytes = {};
      gap.length = static_cast<std::uint64_t>(ahead);
      track.next = data.position;
      feed(stream, gap);
    } else if (ahead < 0) {  // seen before: by MSG_PEEK, or in another record of the same bytes
      const auto behind = static_cast<std::uint64_t>(-static_cast<std::int64_t>(ahead));
      if (behind >= segment.length) return;
      segment.length -= behind;
      segment.bytes.remove_prefix(std::min<std::size_t>(behind, segment.bytes.size()));
    }
    segment.position = track.next;
    track.next += static_cast<std::uint32_t>(segment.length);
    pass_skipped(stream, protocols::opposite(segment.direction), data.other_position, data.end);
    if (stream.off) return;
  }
  if (segment.length == 0) return;
  if (!data.has_position) segment.position = stream.count(segment.direction, segment.length);
  if (follower_ == nullptr || stream.tls) return feed(stream, segment);
  follower_->before(stream.connection, stream.kind, segment);
  feed(stream, segment);
  if (!stream.tls) follower_->after(stream.connection, segment);  // else it was a handshake's beginning
}

// The kernel is silent about the bytes it was told to skip. What it says of the other direction's position is the only
// news of those that no hook sees (splice, zero-copy receive).
void Streams::pass_skipped(Stream& stream, Direction direction, std::uint32_t position, Nanoseconds when) {
  Stream::Track& track = stream.track(direction);
  if (!track.known || !track.skipping) return;
  const auto reached = static_cast<std::int32_t>(position - track.next);
  const auto wanted = static_cast<std::int32_t>(track.skip_until - track.next);
  if (reached <= 0 || wanted <= 0) return;
  const std::int32_t bytes = std::min(reached, wanted);
  track.next += static_cast<std::uint32_t>(bytes);
  feed(stream, {.direction = direction,
                .length = static_cast<std::uint64_t>(bytes),
                .begin = when,
                .end = when,
                .pid = stream.pid});
}

// The end of a stream takes a sequence number of its own, if it was sent, and read: nobody knows. A position just at
// the end of what was to be skipped is taken for that end.
void Streams::pass_skipped_at_close(Stream& stream, Direction direction, std::uint32_t position, Nanoseconds when) {
  const bool exact = position == stream.track(direction).skip_until;
  pass_skipped(stream, direction, exact ? position : position - 1, when);
}

void Streams::feed(Stream& stream, const Segment& segment) {
  if (!stream.session) {
    recognise(stream, segment);
    return;
  }
  Delivery delivery(*this, stream);
  obey(stream, segment, stream.session->on_segment(segment, delivery));
}

// The first that is sure; while somebody asks for more, nobody; then the first to whom it is likely.
const protocols::Descriptor* Streams::choose(const protocols::Opening& opening, bool& more) const {
  const protocols::Descriptor* likely = nullptr;
  for (const protocols::Descriptor* protocol : settings_.protocols) {
    switch (protocol->recognise(opening)) {
      case Guess::yes: more = false; return protocol;
      case Guess::likely: likely = likely != nullptr ? likely : protocol; break;
      case Guess::maybe_with_more: more = true; break;
      case Guess::no: break;
    }
  }
  return likely;
}

void Streams::recognise(Stream& stream, const Segment& segment) {
  if (stream.tls) return take_ciphertext(stream, segment);
  Stream::Track& track = stream.track(segment.direction);
  if (segment.bytes.empty()) {
    wipe(track.prefix);  // what was held is followed by bytes nobody saw
    stream.connection.joined_late = true;
    return;
  }
  if (track.prefix.empty()) track.prefix_segment = segment;
  const bool held = !track.prefix.empty();
  SecretString joined;
  std::string_view bytes = segment.bytes;
  if (held) {
    joined.assign(track.prefix).append(segment.bytes.substr(0, prefix_limit));
    bytes = joined;
  }
  const bool may_be_tls = settings_.tls && !is_plaintext(stream);
  if (may_be_tls && is_tls(bytes, stream.connection.joined_late)) {
    begin_tls(stream);
    return take_ciphertext(stream, segment);
  }
  bool more = may_be_tls && begins_handshake(bytes);
  const Stream::Track& other = stream.track(protocols::opposite(segment.direction));
  const protocols::Descriptor* const protocol = choose({.bytes = bytes,
                                                        .other = other.prefix.empty() ? other.unknown : other.prefix,
                                                        .direction = segment.direction,
                                                        .whole = !stream.connection.joined_late,
                                                        .kind = stream.kind,
                                                        .server_port = server_port(stream)},
                                                       more);
  if (more && bytes.size() < prefix_limit && segment.bytes.size() == segment.length) {
    track.prefix.append(segment.bytes);
    return;
  }
  if (protocol != nullptr) return begin_session(stream, *protocol, segment);
  wipe(track.prefix);
  track.unknown.assign(bytes.substr(0, prefix_limit));
  if (!stream.connection.joined_late || ++stream.tries >= tries_joined_late) switch_off(stream, segment.end, false);
}

// What was held back of both directions comes first: the other direction's was there before.
void Streams::begin_session(Stream& stream, const protocols::Descriptor& protocol, const Segment& segment) {
  open_session(stream, protocol);
  for (Stream::Track& track : stream.tracks) SecretString().swap(track.unknown);
  if (stream.peeking) {  // of this message only the beginning came; the next one will be whole
    stream.peeking = false;
    copy_again(stream);
    if (segment.bytes.size() < segment.length) return;
  }
  for (Stream::Track* each :
       {&stream.track(protocols::opposite(segment.direction)), &stream.track(segment.direction)}) {
    const SecretString prefix = std::exchange(each->prefix, {});
    if (prefix.empty()) continue;
    Segment first = each->prefix_segment;
    first.bytes = prefix;
    first.length = prefix.size();
    feed(stream, first);
    if (stream.off) return;
  }
  feed(stream, segment);
}

std::uint16_t Streams::server_port(const Stream& stream) {
  const Connection& connection = stream.connection;
  if (!stream.kind) return std::min(connection.local.port, connection.remote.port);  // ephemeral ones are high
  return *stream.kind == Kind::server ? connection.local.port : connection.remote.port;
}

void Streams::copy_again(Stream& stream) {
  if (auto* steering = steering_of(stream)) {
    steering->copy(stream.id, false);
    steering->copy(stream.id, true);
  }
}

void Streams::open_session(Stream& stream, const protocols::Descriptor& protocol, Call* request) {
  stream.protocol = &protocol;
  if (auto* steering = steering_of(stream)) steering->copy_deep(stream.id, protocol.deep);
  stream.session = protocol.open({.joined_late = stream.connection.joined_late,
                                  .keep_headers = settings_.keep_headers,
                                  .header_limit = settings_.header_limit,
                                  .kind = stream.kind,
                                  .extras = settings_.extras,
                                  .request = request});
}

// The old session has told all it had but the request that the new one answers.
void Streams::hand_over(Stream& stream, const Segment& segment, const Next& next) {
  const auto to = std::find_if(settings_.protocols.begin(), settings_.protocols.end(),
                               [&](const auto* protocol) { return protocol->protocol->name == next.to; });
  if (to == settings_.protocols.end() || ++stream.hand_overs > hand_overs_limit) {
    switch_off(stream, segment.end, true);
    return;
  }
  const std::unique_ptr<Call> request = stream.session->take_request();
  Delivery delivery(*this, stream);
  stream.session->on_close(segment.end, delivery);
  open_session(stream, **to, request.get());
  if (next.bytes >= segment.length) return;
  Segment rest = segment;
  rest.bytes.remove_prefix(std::min<std::size_t>(next.bytes, rest.bytes.size()));
  rest.length -= next.bytes;
  rest.position += static_cast<std::uint32_t>(next.bytes);
  feed(stream, rest);
}

void Streams::obey(Stream& stream, const Segment& segment, const Next& next) {
  Stream::Track& track = stream.track(segment.direction);
  const bool outbound = segment.direction == Direction::outbound;
  auto* steering = steering_of(stream);
  if (next.deep && steering != nullptr) steering->copy_deep(stream.id, true);
  switch (next.action) {
    case Next::Action::invalid: switch_off(stream, segment.end, false); return;
    case Next::Action::opaque:
      if (next.tls && settings_.tls && !is_plaintext(stream)) return await_plaintext(stream);
      switch_off(stream, segment.end, true);
      return;
    case Next::Action::hand_over: hand_over(stream, segment, next); return;
    case Next::Action::skip:
      if (next.bytes >= worth_skipping && track.known && steering != nullptr) {
        track.skip_until = track.next + static_cast<std::uint32_t>(std::min(next.bytes, furthest_skip));
        track.skipping = true;
        steering->skip_until(stream.id, outbound, track.skip_until);
        return;
      }
      if (track.skipping && static_cast<std::int32_t>(track.next - track.skip_until) < 0) return;
      [[fallthrough]];
    case Next::Action::more:
      if (!track.skipping) return;
      track.skipping = false;
      steering->copy(stream.id, outbound);
  }
}

void Streams::switch_off(Stream& stream, Nanoseconds now, bool for_good) {
  Delivery delivery(*this, stream);
  if (stream.session) stream.session->on_close(now, delivery);
  stream.session.reset();
  for (Stream::Track& track : stream.tracks) track = {.known = track.known, .next = track.next};
  stream.off = true;
  stream.peeking = false;
  ++counters_.switched_off;
  if (auto* steering = steering_of(stream)) steering->off(stream.id);
  if (for_good) return;
  stream.retry_after =
      std::min(stream.retry_after == 0 ? settings_.retry_after : 2 * stream.retry_after, longest_retry);
  stream.retry = retries_.emplace(now + stream.retry_after, stream.id);
}

void Streams::keep_headers(bool keep) {
  settings_.keep_headers = keep;
  for (const auto& [key, stream] : streams_) {
    if (stream->session) stream->session->keep_headers(keep);
  }
}

void Streams::on_retransmit(SocketKey key) {
  if (const auto entry = streams_.find(key); entry != streams_.end()) ++entry->second->connection.retransmits;
}

void Streams::on_closed(const sensors::SocketClosed& closed) {
  if (settings_.tls) end_plaintext(closed);
  const auto entry = streams_.find(closed.key);
  if (entry == streams_.end()) return;
  // A unix connection ends as a whole, though the one end may be gone before the other hears of it.
  const bool whole = entry->second->connection.transport == Transport::unix_stream;
  const SocketKey peer = whole ? entry->second->connection.peer : 0;
  end(closed);
  if (peer != 0 && streams_.contains(peer)) end({.key = peer, .when = closed.when});
}

void Streams::end(const sensors::SocketClosed& closed) {
  const auto entry = streams_.find(closed.key);
  Stream& stream = *entry->second;
  stream.connection.srtt_us = closed.srtt_us;
  if (closed.has_positions) {
    stream.connection.retransmits = closed.retransmits;
    pass_skipped_at_close(stream, Direction::inbound, closed.inbound_position, closed.when);
    pass_skipped_at_close(stream, Direction::outbound, closed.outbound_position, closed.when);
  }
  if (stream.awaits_plaintext) stream.session = std::move(stream.awaits_plaintext);
  if (stream.session) {
    Delivery delivery(*this, stream);
    stream.session->on_close(closed.when, delivery);
  }
  remove(closed.key);
}

void Streams::remove(SocketKey key) {
  const auto entry = streams_.find(key);
  if (entry->second->in_tuples) {
    const auto tuple = by_tuple_.find(ends_of(entry->second->connection, false));
    if (tuple != by_tuple_.end() && tuple->second == key) by_tuple_.erase(tuple);
  }
  if (entry->second->retry) retries_.erase(*entry->second->retry);
  if (auto* steering = steering_of(*entry->second)) steering->forget(key);
  if (follower_ != nullptr) follower_->on_closed(entry->second->connection.key);
  streams_.erase(entry);
}

void Streams::tick(Nanoseconds now) {
  while (!retries_.empty() && retries_.begin()->first <= now) {
    const SocketKey key = retries_.begin()->second;
    retries_.erase(retries_.begin());
    Stream& stream = *streams_.at(key);
    stream.retry.reset();
    stream.off = false;
    stream.tries = stream.tls_transfers = 0;
    stream.connection.joined_late = true;
    for (Stream::Track& track : stream.tracks) track = {};
    if (auto* steering = steering_of(stream)) {
      stream.peeking = true;
      steering->copy_at_most(key, false, prefix_limit);
      steering->copy_at_most(key, true, prefix_limit);
    }
  }
  if (settings_.tls) tick_tls(now);
  std::vector<SocketKey> idle;
  for (const auto& [key, stream] : streams_) {
    if (stream->session) {
      Delivery delivery(*this, *stream);
      stream->session->on_tick(now, delivery);
    }
    if (stream->last_seen == 0) stream->last_seen = now;  // older than the agent, and silent so far
    if (stream->connection.transport == Transport::unix_stream && now > stream->last_seen + unix_idle_limit)
      idle.push_back(key);
  }
  for (const SocketKey key : idle) on_closed({.key = key, .when = now});
}

void Streams::begin_census(Nanoseconds now) { census_ = now; }

void Streams::end_census(Nanoseconds now) {
  std::vector<SocketKey> gone;
  for (const auto& [key, stream] : streams_) {
    if (!is_plaintext(*stream) && stream->described < census_ && stream->last_seen < census_) gone.push_back(key);
  }
  for (const SocketKey key : gone) on_closed({.key = key, .when = now});
}

void Streams::finish(Nanoseconds now) {
  if (settings_.tls) join_.finish();
  for (const auto& [key, stream] : streams_) {
    if (!stream->session) continue;
    Delivery delivery(*this, *stream);
    stream->session->on_close(now, delivery);
    stream->session.reset();
  }
}

std::map<const Family*, std::array<std::size_t, 2>> Streams::active() const {
  std::map<const Family*, std::array<std::size_t, 2>> active;
  for (const auto& [key, stream] : streams_) {
    if (!stream->session) continue;
    auto& counts = active[stream->protocol->protocol->family];
    for (const Kind kind : {Kind::server, Kind::client})
      counts[static_cast<std::size_t>(kind)] += stream->session->active(kind);
  }
  return active;
}

std::size_t Streams::active(Kind kind) const {
  std::size_t sum = 0;
  for (const auto& [family, counts] : active()) sum += counts[static_cast<std::size_t>(kind)];
  return sum;
}

std::map<std::uint32_t, std::uint64_t> Streams::connections_by_pid() const {
  std::map<std::uint32_t, std::uint64_t> counts;
  for (const auto& [key, stream] : streams_) {
    if (stream->connection.transport == Transport::tcp && !is_plaintext(*stream)) ++counts[stream->pid];
  }
  return counts;
}

}  // namespace subfloor::streams
