// SPDX-License-Identifier: Apache-2.0
// How messages end: as framed, by proof from the other direction, by loss, by the close of the connection.
#include <utility>

#include "protocols/http1/session.h"

namespace subfloor::protocols::http1 {

void Http1Session::on_progress(Body::Progress progress, const Segment& s, CallSink& sink) {
  switch (progress) {
    case Body::Progress::going: return;
    case Body::Progress::done: return complete(s.direction, s.end, sink);
    case Body::Progress::bad: stream(s.direction).last = s.end; return fail(s.direction, s.end, sink);
    case Body::Progress::lost: return lose(s.direction, sink);
  }
}

void Http1Session::complete(Direction d, Nanoseconds end, CallSink& sink) {
  Stream& in = stream(d);
  Exchange* exchange = std::exchange(in.exchange, nullptr);
  const bool switches = std::exchange(in.switches, false);
  in.open = false;
  in.state = Stream::State::idle;
  if (exchange && is_request_side(d)) {
    exchange->call.request_end = end;
    exchange->call.request_body_bytes = in.body.received();
    pairing_.finish_request(*exchange, sink);
  } else if (exchange) {
    complete_response(*exchange, in.body, end, sink);
  }
  if (switches) finish(Next::Action::opaque, end, sink);
}

void Http1Session::complete_response(Exchange& exchange, const Body& body, Nanoseconds end, CallSink& sink) {
  exchange.call.end = end;
  exchange.call.response_body_bytes = body.received();
  Stream& request = requests();
  if (request.exchange == &exchange && request.state == Stream::State::searching) {
    // Where the request ended was lost; that it did, the answer proves.
    complete(*request_side_, request.last, sink);
    request.state = Stream::State::searching;
  }
  pairing_.finish_response(exchange, sink);
}

// A request is about to begin: what it proves about those before it.
void Http1Session::settle_before_request(CallSink& sink) {
  if (requests().open) complete(*request_side_, requests().last, sink);
  if (pairing_.unsure()) return settle_unsure(sink);
  Exchange* waiting = pairing_.unanswered();
  Stream& out = responses();
  if (!waiting) {
    if (out.heard > 0 && requests().heard > 0 && !requests().follows) settled_ = true;
    return;
  }
  if (requests().follows || out.state != Stream::State::searching) pipelined_ = true;
  if (pipelined_) {
    if (!settled_) pairing_.become_unsure();
    return;
  }
  // A peer that waits for each answer has had this one, though its end (or all of it) was lost.
  if (out.open) {
    complete(opposite(*request_side_), out.last, sink);
    out.state = Stream::State::searching;
  } else if (!waiting->response_begun) {
    waiting->call.partial |= reason_for_gaps();
    waiting->call.end = waiting->call.request_end;
    pairing_.finish_response(*waiting, sink);
  }
}

// After a loss among pipelined messages pairing is certain again with a request that was begun when everything sent
// before it can have been answered.
void Http1Session::settle_unsure(CallSink& sink) {
  const Stream& in = requests();
  Stream& out = responses();
  const bool quiet = !in.follows && out.heard >= pairing_.youngest_start() && in.first.end >= out.heard;
  if (pairing_.unanswered() && (!quiet || out.state == Stream::State::body)) return;
  if (out.exchange && out.exchange->request_seen) out.exchange = nullptr;
  pairing_.become_sure(sink);
}

// `exchange` may be a response that came before its request was seen and was framed without knowing the method.
void Http1Session::settle_early_response(Exchange& exchange, CallSink& sink) {
  Stream& out = responses();
  const bool bare = out.exchange == &exchange && out.state == Stream::State::body && out.body.received() == 0;
  if (bare && exchange.call.operation == "HEAD") complete(opposite(*request_side_), out.last, sink);
}

// The response under way turned out to have no request: its framing is only presumed, as it may answer HEAD.
void Http1Session::settle_orphan(CallSink& sink) {
  Stream& out = responses();
  if (!out.exchange || !out.exchange->abandoned) return;
  if (out.state != Stream::State::searching && !(out.state == Stream::State::body && out.body.received() == 0)) return;
  complete(opposite(*request_side_), out.last, sink);
  if (over_) return;
  out.state = Stream::State::searching;
  tolerant_ = true;
}

void Http1Session::keep_within_limits(CallSink& sink) {
  while (pairing_.too_many()) {
    if (responses().exchange == &pairing_.oldest()) responses().exchange = nullptr;
    pairing_.drop_oldest(sink);
  }
}

void Http1Session::lose(Direction d, CallSink& sink) {
  Stream& in = stream(d);
  lost_any_ = tolerant_ = true;
  pairing_.set_missing(partial_lost);
  if (in.state == Stream::State::head) {
    on_cut_head(d, partial_lost, sink);
  } else if (in.exchange) {
    in.exchange->call.partial |= partial_lost;
  }
  if (pipelined_) pairing_.become_unsure();
  if (in.state == Stream::State::body && in.body.kind() == BodyKind::until_close) return;
  in.state = Stream::State::searching;
  in.tentative = false;
}

// These bytes are not what HTTP/1.x has in this place.
void Http1Session::fail(Direction d, Nanoseconds when, CallSink& sink) {
  Stream& in = stream(d);
  release_buffer(in);
  if (!tolerant_ && !in.tentative) return finish(Next::Action::invalid, when, sink);
  if (in.state == Stream::State::body && in.exchange) in.exchange->call.partial |= partial_lost;
  in.state = Stream::State::searching;
  in.tentative = false;
  in.blank = 0;
}

void Http1Session::on_lost(Direction direction, Nanoseconds /*when*/, CallSink& sink) {
  if (!over_) lose(direction, sink);
}

void Http1Session::on_close(Nanoseconds when, CallSink& sink) {
  if (over_) return;
  const Direction first = request_side_.value_or(Direction::inbound);
  for (const Direction d : {first, opposite(first)}) {
    Stream& in = stream(d);
    if (in.state != Stream::State::head) continue;
    on_cut_head(d, partial_cut_short, sink);
    in.state = in.open ? Stream::State::searching : Stream::State::idle;
  }
  if (!over_) finish(Next::Action::invalid, when, sink);
}

void Http1Session::finish(Next::Action action, Nanoseconds when, CallSink& sink) {
  if (over_) return;
  over_ = action;
  end_all(when, sink);
}

void Http1Session::end_stream(Direction d, CallSink& sink) {
  Stream& in = stream(d);
  in.switches = false;
  if (!in.open) return;
  const bool ends_with_close = in.body.kind() == BodyKind::until_close && !is_request_side(d);
  if (in.state == Stream::State::body && !ends_with_close && in.exchange)
    in.exchange->call.partial |= partial_cut_short;
  complete(d, in.last, sink);
}

void Http1Session::end_all(Nanoseconds when, CallSink& sink) {
  if (request_side_) {
    const bool unheard = responses().state == Stream::State::searching && !responses().open;
    end_stream(*request_side_, sink);
    end_stream(opposite(*request_side_), sink);
    Exchange* waiting = pairing_.unanswered();
    if (unheard && waiting) waiting->call.partial |= reason_for_gaps();
    pairing_.finish_all(when, sink);
  }
  for (Stream& each : streams_) SecretString().swap(each.buffer);
}

std::size_t Http1Session::active(Kind kind) const {
  if (!request_side_ || over_) return 0;
  const Kind own = *request_side_ == Direction::inbound ? Kind::server : Kind::client;
  return kind == own ? pairing_.unanswered_count() : 0;
}

}  // namespace subfloor::protocols::http1
