// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/session.h"

#include <algorithm>
#include <utility>

namespace subfloor::protocols::postgres {
namespace {

constexpr std::uint64_t worth_skipping = 4096;

}  // namespace

PostgresSession::PostgresSession(const Options& options)
    : keep_text_(options.extras.query_text),
      tolerant_(options.joined_late),
      settled_(!options.joined_late),
      statements_(statements_limit, texts_limit),
      portals_(portals_limit, texts_limit / 4) {
  if (options.kind) set_sides(*options.kind == Kind::server ? Direction::inbound : Direction::outbound);
  for (Stream& each : streams_) each.searching = options.joined_late;
}

void PostgresSession::set_sides(Direction requests) {
  request_side_ = requests;
  stream(requests).reader.set_side(Side::frontend);
  stream(opposite(requests)).reader.set_side(Side::backend);
  if (!tolerant_) stream(requests).reader.expect_untyped();
}

// A connection begins with the frontend's word; later, messages tell who sends them.
bool PostgresSession::learn_sides(const Segment& s) {
  if (request_side_) return true;
  if (!tolerant_) {
    set_sides(s.direction);
    return true;
  }
  const Chain front = follow(Side::frontend, s.bytes), back = follow(Side::backend, s.bytes);
  const bool fits_front = front.holds && front.distinct && front.messages > 0;
  const bool fits_back = (back.holds && back.distinct && back.messages > 0) || find_tail(s.bytes);
  if (fits_front == fits_back) return false;
  set_sides(fits_front ? s.direction : opposite(s.direction));
  return true;
}

Next PostgresSession::on_segment(const Segment& s, CallSink& sink) {
  if (over_) return {*over_};
  Stream& in = stream(s.direction);
  if (learn_sides(s)) {
    if (sends_requests(s.direction) && !s.bytes.empty()) before_requests(sink);
    if (!in.searching || find_message(in, s, sink)) {
      take(in, s, sink);
      if (!over_ && !in.searching && s.length > s.bytes.size()) pass(in, s, sink);
    }
  }
  in.heard = s.end;
  if (in.searching && !over_) {
    in.ignored += s.length;
    if (in.ignored > search_limit && !understood_) finish(Next::Action::invalid, s.end, sink);
  } else {
    in.ignored = 0;
  }
  if (std::exchange(to_tls_, false) && !over_) return {.action = Next::Action::opaque, .tls = true};
  return next(in);
}

// After a loss: a message begins with the segment, or it ends with the one that ends an answer.
bool PostgresSession::find_message(Stream& in, const Segment& s, CallSink& sink) {
  const Side side = &in == &requests() ? Side::frontend : Side::backend;
  const bool whole = s.bytes.size() == s.length;
  const Chain chain = follow(side, s.bytes);
  if (chain.holds && chain.distinct && chain.messages > 0) {
    in.searching = false;
    in.reader.reset();
    understood_ = true;
    return true;
  }
  if (side == Side::frontend || !whole) return false;
  if (const auto tail = find_tail(s.bytes)) {
    in.searching = false;
    in.reader.reset();
    understood_ = true;
    on_tail(*tail, s, sink);
  }
  return false;
}

void PostgresSession::take(Stream& in, const Segment& s, CallSink& sink) {
  std::string_view bytes = s.bytes;
  while (!over_) {
    if (encryption_asked_ && &in == &responses() && !bytes.empty()) {
      if (on_encryption_answer(bytes.front(), s, sink)) bytes.remove_prefix(1);
      continue;
    }
    switch (in.reader.read(bytes, s)) {
      case Reader::Found::nothing: return;
      case Reader::Found::begun: on_begun(in, s); break;
      case Reader::Found::message: on_message(in, s, sink); break;
      case Reader::Found::garbage: on_garbage(in, s, sink); return;
    }
  }
}

void PostgresSession::pass(Stream& in, const Segment& s, CallSink& sink) {
  std::uint64_t count = s.length - s.bytes.size();
  while (!over_) {
    const Reader::Found found = in.reader.pass(count, s);
    if (found == Reader::Found::nothing) return;
    if (found == Reader::Found::garbage) return lose(in, sink);
    on_message(in, s, sink);
  }
}

void PostgresSession::on_begun(const Stream& in, const Segment& s) {
  if (&in == &responses()) on_response_begun(in.reader.message(), s);
}

void PostgresSession::on_message(const Stream& in, const Segment& s, CallSink& sink) {
  const Message& message = in.reader.message();
  if (&in == &responses()) {
    on_response(message, s, sink);
  } else if (message.type == '\0') {
    on_startup(message, s, sink);
  } else {
    on_request(message, in.reader.origin(), s, sink);
  }
}

void PostgresSession::on_garbage(Stream& in, const Segment& s, CallSink& sink) {
  if (!tolerant_) return finish(Next::Action::invalid, s.end, sink);
  lose(in, sink);
}

// Where the next message begins is not known.
void PostgresSession::lose(Stream& in, CallSink& sink) {
  in.searching = tolerant_ = lost_any_ = true;
  in.reader.reset();
  if (!request_side_) return;
  if (&in == &responses()) {
    ready_ = false;
    for (std::size_t i = held_ ? 1 : 0; i < calls_.size(); ++i) calls_[i].gaps = true;
    if (syncs_ > 1) unsure_ = true;
    return;
  }
  copy_in_ = false;
  run_ = {};
  unsure_ = true;
  if (steps_.empty() || steps_.back() != Step::unseen) push_step(Step::unseen, sink);
}

void PostgresSession::on_lost(Direction direction, Nanoseconds /*when*/, CallSink& sink) {
  if (over_) return;
  lose(stream(direction), sink);
}

Next PostgresSession::next(Stream& in) {
  if (over_) return {*over_};
  const std::uint64_t unread = in.searching ? 0 : in.reader.unread();
  if (unread >= worth_skipping && in.reader.wants_nothing()) return {Next::Action::skip, unread};
  return {Next::Action::more};
}

void PostgresSession::on_close(Nanoseconds when, CallSink& sink) {
  if (!over_) finish(Next::Action::invalid, when, sink);
}

void PostgresSession::finish(Next::Action action, Nanoseconds when, CallSink& sink) {
  if (over_) return;
  over_ = action;
  give_up(partial_no_response, when, sink);
  for (Stream& each : streams_) each.reader.reset();
}

std::size_t PostgresSession::active(Kind kind) const {
  if (!request_side_ || over_) return 0;
  if ((kind == Kind::server) != is_server()) return 0;
  std::size_t count = 0;
  for (std::size_t i = held_ ? 1 : 0; i < calls_.size(); ++i) count += calls_[i].step == Step::parse ? 0 : 1;
  return count;
}

}  // namespace subfloor::protocols::postgres
