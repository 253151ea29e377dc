// SPDX-License-Identifier: Apache-2.0
// Ends of messages and of calls, and what happens where bytes are missing.
#include "protocols/kafka/schema.h"
#include "protocols/kafka/session.h"

namespace subfloor::protocols::kafka {

void KafkaSession::on_end(Flow& in, bool ends_here, const Segment& s, CallSink& sink) {
  const bool cut = in.state != State::tail;  // it is shorter than its layout
  if (cut && (in.tentative || (in.requests() && !in.correlation))) return fail(in, sink);
  if (in.tentative && in.exchange != nullptr) {
    if (in.collector.odd() || (!in.described && !ends_here)) return refute(in, sink);
  }
  if (cut) begin_tail(in, false);
  in.state = State::length;
  in.have = 0;
  in.tentative = false;
  if (in.exchange == nullptr) return;
  if (in.requests()) {
    end_request(in, s, sink);
  } else {
    end_response(in, s, sink);
  }
  in.exchange = nullptr;
}

void KafkaSession::end_request(Flow& in, const Segment& s, CallSink& sink) {
  Exchange& exchange = *in.exchange;
  in.exchange = nullptr;
  if (!sides_known_) learn_sides(s.direction);
  exchange.request_done = true;
  exchange.call.request_end = exchange.call.end = s.end;
  if (exchange.key == sasl_handshake_key && exchange.version == 0) tokens_ = true;
  const bool follows = in.correlation && exchange.correlation == *in.correlation + 1;
  in.correlation = exchange.correlation;
  if (!confirmed_ && follows) {
    confirmed_ = true;
    return pairing_.confirm(sink);
  }
  if (exchange.unanswered && !exchange.unconfirmed) pairing_.finish(exchange, sink);
}

void KafkaSession::end_response(Flow& in, const Segment& s, CallSink& sink) {
  Exchange& exchange = *in.exchange;
  exchange.call.end = s.end;
  exchange.unconfirmed = false;
  pairing_.finish(exchange, sink);
  if (confirmed_) return;
  confirmed_ = true;
  pairing_.confirm(sink);
}

// What was found by searching is no message.
void KafkaSession::refute(Flow& in, CallSink& /*sink*/) {
  if (in.exchange != nullptr && in.requests()) pairing_.drop(*in.exchange);
  if (in.exchange != nullptr && !in.requests()) in.exchange->forget_response();
  if (!in.requests()) pairing_.mark_missed();
  search(in);
}

// These bytes are not what Kafka has in this place.
void KafkaSession::fail(Flow& in, CallSink& sink) {
  if (in.tentative) return refute(in, sink);
  if (!tolerant_) {
    if (in.exchange != nullptr && in.requests()) pairing_.drop(*in.exchange);
    in.exchange = nullptr;
    pairing_.finish_all(in.last, sink);
    over_ = true;
    return;
  }
  if (in.requests()) {
    for (Flow& each : flows_) {
      if (each.exchange != nullptr && each.exchange->unconfirmed) search(each);
    }
    pairing_.drop_unconfirmed();
  }
  lose(in, sink);
}

// Where the next message of this direction begins is not known any more.
void KafkaSession::lose(Flow& in, CallSink& sink) {
  tolerant_ = true;
  pairing_.set_missing(partial_lost);
  if (in.exchange != nullptr && in.tentative) return refute(in, sink);
  if (!in.requests()) pairing_.mark_missed();
  if (Exchange* const exchange = in.exchange; exchange != nullptr) {
    in.exchange = nullptr;
    exchange->call.partial |= partial_lost;
    exchange->call.end = in.last;
    exchange->request_done = true;
    if (!in.requests() || exchange->unanswered) pairing_.give_up(*exchange, partial_lost, sink);
  }
  if (in.requests()) confirmed_ = false;
  search(in);
}

void KafkaSession::search(Flow& in) {
  in.exchange = nullptr;
  in.state = State::searching;
  in.tentative = false;
  in.have = 0;
}

void KafkaSession::on_lost(Direction direction, Nanoseconds /*when*/, CallSink& sink) {
  if (!over_) lose(flow(direction), sink);
}

void KafkaSession::on_close(Nanoseconds when, CallSink& sink) {
  if (over_) return;
  over_ = true;
  for (Flow& each : flows_) {
    if (each.exchange != nullptr && each.tentative) refute(each, sink);
  }
  pairing_.finish_all(when, sink);
}

std::size_t KafkaSession::active(Kind kind) const {
  if (over_ || !sides_known_) return 0;
  const Kind own =
      flows_[static_cast<std::size_t>(Direction::inbound)].requests() ? Kind::server : Kind::client;
  return kind == own ? pairing_.waiting() : 0;
}

}  // namespace subfloor::protocols::kafka
