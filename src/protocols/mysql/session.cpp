// SPDX-License-Identifier: Apache-2.0
// Bytes to packets: where they begin, and what happens when some are missing.
#include "protocols/mysql/session.h"

#include <algorithm>
#include <utility>

#include "protocols/mysql/evidence.h"
#include "protocols/mysql/fields.h"

namespace subfloor::protocols::mysql {
namespace {

constexpr std::uint64_t skip_threshold = 1024;  // fewer bytes are not worth a change of plan in the kernel
constexpr std::size_t compressed_header = 7;

}  // namespace

MysqlSession::MysqlSession(const Options& options)
    : joined_late_(options.joined_late),
      extras_(options.extras),
      tolerant_(options.joined_late),
      proven_(!options.joined_late) {
  if (options.kind) request_side_ = *options.kind == Kind::server ? Direction::inbound : Direction::outbound;
}

Next MysqlSession::on_segment(const Segment& s, CallSink& sink) {
  if (!over_ && s.length > 0) {
    feed(s.bytes, s.length - std::min<std::uint64_t>(s.length, s.bytes.size()), s, sink);
    stream(s.direction).heard = s.end;
  }
  if (over_) return {*over_};
  if (std::exchange(to_tls_, false)) return {.action = Next::Action::opaque, .tls = true};
  return next(s.direction);
}

Next MysqlSession::next(Direction d) {
  const Stream& in = stream(d);
  const std::uint64_t skippable = compressed_ ? in.unpacker.skippable() : in.packets.skippable();
  if (in.searching || skippable < skip_threshold) return {};
  return {Next::Action::skip, skippable};
}

void MysqlSession::feed(std::string_view bytes, std::uint64_t gap, const Segment& s, CallSink& sink) {
  if (!learn_sides(bytes, s, sink)) return;
  if (compressed_) return feed_packed(bytes, gap, s, sink);
  feed_plain(bytes, gap, s, sink);
}

// Which side sends commands, and whether the beginning of the connection is there.
bool MysqlSession::learn_sides(std::string_view bytes, const Segment& s, CallSink& sink) {
  if (phase_ != Phase::greeting || !stream(s.direction).packets.at_boundary()) return true;
  const Evidence opening = look_at_opening(bytes.substr(0, 64));
  if (opening == Evidence::greeting || opening == Evidence::refusal) {
    request_side_ = opposite(s.direction);
    tolerant_ = lost_any_;
    proven_ = true;
    return true;
  }
  const bool may_greet = opening == Evidence::short_of_bytes && bytes.size() > packet_header;
  if (!tolerant_ && opening == Evidence::none) {
    finish(Next::Action::invalid, s.end, sink);
    return false;
  }
  if (!tolerant_ || (may_greet && !is_request_side(s.direction))) {
    request_side_ = opposite(s.direction);
    return true;
  }
  if (!request_side_) {
    if (bytes.size() < packet_header || static_cast<std::uint8_t>(bytes[3]) > 1) return false;
    request_side_ = bytes[3] == 0 ? s.direction : opposite(s.direction);
  }
  phase_ = Phase::commands;
  for (Stream& each : streams_) each.searching = true;
  return true;
}

void MysqlSession::feed_packed(std::string_view bytes, std::uint64_t gap, const Segment& s, CallSink& sink) {
  Stream& in = stream(s.direction);
  if (in.outer_searching) {
    Fields header(bytes);
    if (header.integer(3) + compressed_header != s.length) return;
    in.outer_searching = false;
  }
  while (!over_ && (!bytes.empty() || gap > 0 || in.unpacker.holds_more())) {
    const bool is_gap = bytes.empty() && !in.unpacker.holds_more();
    const std::uint64_t unwanted = in.searching ? 0 : in.packets.skippable();
    const Unpacker::Piece piece = is_gap ? in.unpacker.pass(gap) : in.unpacker.take(bytes, unwanted);
    if (piece.lost) {
      in.outer_searching = true;
      lose(s.direction);
      break;
    }
    feed_plain(piece.bytes, piece.gap, s, sink);
    in.unpacker.wipe();
  }
}

void MysqlSession::feed_plain(std::string_view bytes, std::uint64_t gap, const Segment& s, CallSink& sink) {
  if (bytes.empty() && gap == 0) return;
  const bool answers = request_side_ && !is_request_side(s.direction);
  if (answers && !waiting_.empty() && waiting_.front().blind) return on_blind(bytes, gap, s, sink);
  if (answers && hold_early(bytes, gap, s)) return;
  const bool packed = compressed_;
  take(bytes, s, sink);
  if (over_) return;
  if (!packed && compressed_) return feed_packed(bytes, gap, s, sink);
  if (answers && !waiting_.empty() && waiting_.front().blind) {
    if (!bytes.empty() || gap > 0) on_blind(bytes, gap, s, sink);
    return;
  }
  if (gap > 0) pass(gap, s, sink);
}

void MysqlSession::take(std::string_view& bytes, const Segment& s, CallSink& sink) {
  Stream& in = stream(s.direction);
  const bool packed = compressed_;
  while (!over_ && !to_tls_ && packed == compressed_) {
    if (in.searching) {
      if (!found(bytes, s)) return;
      in.searching = false;
      if (is_request_side(s.direction) && !waiting_.empty()) unsure_ = true;
    }
    if (in.packets.at_boundary() && !bytes.empty()) {
      in.follows = !compressed_ && bytes.data() != s.bytes.data();
      in.first = s;
      in.first.bytes = {};
      in.first.position = s.position_of(bytes);
    }
    if (!step(in.packets.take(bytes), s, sink)) return;
    const bool blind = !is_request_side(s.direction) && !waiting_.empty() && waiting_.front().blind;
    if (blind || in.searching) return;  // this packet was the last that could be read
  }
}

void MysqlSession::pass(std::uint64_t count, const Segment& s, CallSink& sink) {
  Stream& in = stream(s.direction);
  while (!over_ && count > 0) {
    const std::uint64_t before = count;
    if (in.searching || in.packets.at_boundary()) break;
    const Packets::Step what = in.packets.pass(count);
    if (what == Packets::Step::more && count == before) break;
    step(what, s, sink);
  }
  if (over_ || count == 0) return;
  if (phase_ != Phase::commands) return finish(Next::Action::invalid, s.end, sink);
  lose(s.direction);
  if (is_request_side(s.direction) || waiting_.empty() || !waiting_.front().blind) return;
  on_blind({}, count, s, sink);
}

// False where there is no more to be done with these bytes.
bool MysqlSession::step(Packets::Step step, const Segment& s, CallSink& sink) {
  const bool request = is_request_side(s.direction);
  switch (step) {
    case Packets::Step::more: return false;
    case Packets::Step::wrong: fail(s.direction, s.end, sink); return false;
    case Packets::Step::head:
      if (request) {
        on_request_head(s, sink);
      } else {
        on_response_head(s, sink);
      }
      return true;
    case Packets::Step::end:
      if (request) {
        on_request_end(s, sink);
      } else {
        on_response_end(s, sink);
      }
      return true;
  }
  return false;
}

// Does a packet begin here that can only be what is expected next?
bool MysqlSession::found(std::string_view bytes, const Segment& s) {
  const bool at_start = compressed_ || bytes.data() == s.bytes.data();
  if (!at_start || bytes.size() < packet_header) return false;
  Fields fields(bytes);
  const std::uint64_t length = fields.integer(3);
  const std::uint8_t sequence = fields.u8();
  if (length == 0) return false;
  if (!is_request_side(s.direction)) {
    if (waiting_.empty() || waiting_.front().unsure) return false;
    const Exchange& oldest = waiting_.front();
    return oldest.sequence_known ? sequence == oldest.sequence : sequence != 0;
  }
  if (sequence != 0 || (!waiting_.empty() && waiting_.back().sends_file)) return false;
  return fields.left() == 0 || plausible_command(fields.rest().substr(0, length), length);
}

bool MysqlSession::hold_early(std::string_view bytes, std::uint64_t gap, const Segment& s) {
  if (phase_ != Phase::commands || compressed_ || !waiting_.empty()) return false;
  if (!responses().packets.at_boundary() || responses().searching) return false;
  if (early_.any) {
    early_.segment.length += bytes.size() + gap;  // one is held; of what follows it just the length
    return true;
  }
  early_.any = early_.ever = true;
  early_.bytes.assign(bytes);
  early_.segment = s;
  early_.segment.length = bytes.size() + gap;
  return true;
}

// After a command: what came before it is its answer, unless it came before the command was begun.
void MysqlSession::give_early(CallSink& sink) {
  if (!early_.any || waiting_.empty()) return;
  early_.any = false;
  const SecretString bytes = std::exchange(early_.bytes, {});
  const Nanoseconds began = is_server() ? early_.segment.begin : early_.segment.end;
  if (waiting_.front().call.start > began) return;
  early_.segment.bytes = bytes;
  feed_plain(bytes, early_.segment.length - bytes.size(), early_.segment, sink);
  early_.segment.bytes = {};
}

// These bytes are not what the protocol has in this place.
void MysqlSession::fail(Direction d, Nanoseconds when, CallSink& sink) {
  if (!tolerant_ || phase_ != Phase::commands) return finish(Next::Action::invalid, when, sink);
  lose(d);
}

// Nobody knows where the next packet of this direction begins.
void MysqlSession::lose(Direction d) {
  Stream& in = stream(d);
  tolerant_ = true;
  proven_ = false;
  in.packets.reset();
  in.over = false;
  in.searching = true;
  if (waiting_.empty()) return;
  if (is_request_side(d)) {
    waiting_.back().sequence_known = false;
    return;
  }
  Exchange& exchange = waiting_.front();
  if (exchange.began) exchange.blind = true;
}

void MysqlSession::on_lost(Direction direction, Nanoseconds when, CallSink& sink) {
  if (over_) return;
  lost_any_ = true;
  if (phase_ != Phase::commands) return finish(Next::Action::invalid, when, sink);
  if (compressed_) {
    stream(direction).unpacker.reset();
    stream(direction).outer_searching = true;
  }
  lose(direction);
  stream(direction).heard = std::max(stream(direction).heard, when);
  early_.any = false;
  if (waiting_.size() > 1) unsure_ = true;
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    waiting_[i].unsure = waiting_[i].unsure || i > 0 || !waiting_[i].began || is_request_side(direction);
    waiting_[i].call.partial |= partial_lost;
  }
}

void MysqlSession::finish(Next::Action action, Nanoseconds when, CallSink& sink) {
  if (over_) return;
  over_ = action;
  end_all(when, sink);
}

std::size_t MysqlSession::active(Kind kind) const {
  if (!request_side_ || over_) return 0;
  return kind == (is_server() ? Kind::server : Kind::client) ? waiting_.size() : 0;
}

}  // namespace subfloor::protocols::mysql
