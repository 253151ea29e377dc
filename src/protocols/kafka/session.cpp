// SPDX-License-Identifier: Apache-2.0
// Bytes to messages: where they begin, and what is read of them.
#include "protocols/kafka/session.h"

#include <algorithm>
#include <cstring>

#include "protocols/kafka/bytes.h"
#include "protocols/kafka/schema.h"

namespace subfloor::protocols::kafka {
namespace {

constexpr std::size_t length_size = 4;
constexpr std::size_t request_head_size = 8;   // API key, version, correlation id
constexpr std::size_t response_head_size = 4;  // correlation id
constexpr std::int64_t tentative_limit = 104857600;  // what a broker accepts, unless it was told otherwise
constexpr int sensible_key = 1000, sensible_version = 100;  // of APIs to come

// In flexible versions tagged fields follow.
constexpr Field request_header[]{{Type::plain_string, Role::client_id}};

bool is_flexible(const Api& api, int version) { return version >= api.first_flexible; }

}  // namespace

KafkaSession::KafkaSession(const Options& options)
    : sides_known_(options.kind.has_value()),
      tolerant_(options.joined_late),
      confirmed_(!options.joined_late),
      pairing_(options.joined_late) {
  if (options.kind) learn_sides(*options.kind == Kind::server ? Direction::inbound : Direction::outbound);
  for (Flow& each : flows_) each.state = tolerant_ ? State::searching : State::length;
}

void KafkaSession::learn_sides(Direction of_requests) {
  sides_known_ = true;
  Flow& responses = flow(opposite(of_requests));
  flow(of_requests).side = Collector::Side::request;
  responses.side = Collector::Side::response;
  pairing_.set_kind(of_requests == Direction::inbound ? Kind::server : Kind::client);
  if (responses.exchange != nullptr) pairing_.drop(*responses.exchange);  // no request, as it turns out
  responses.exchange = nullptr;
  if (tolerant_) search(responses);
}

Next KafkaSession::on_segment(const Segment& segment, CallSink& sink) {
  if (over_) return {.action = Next::Action::invalid};
  if (!sides_known_ && !tolerant_) learn_sides(segment.direction);  // clients speak first
  Flow& in = flow(segment.direction);
  in.last = segment.end;
  if (in.state == State::searching) {
    in.state = State::length;
    in.have = 0;
    in.tentative = true;
  }
  const std::uint64_t gap = segment.length - segment.bytes.size();
  take(in, segment.bytes, gap == 0, segment, sink);
  pass(in, gap, segment, sink);
  if (in.tentative && !may_go_on(in)) refute(in, sink);
  return next(in);
}

// What was found by searching and lasts beyond its segment has to be a Produce whose records do not end: nothing else
// is that long, but for chance.
bool KafkaSession::may_go_on(const Flow& in) {
  if (in.state == State::length || in.state == State::head || in.state == State::header) return true;
  if (in.state != State::body || in.exchange == nullptr) return false;
  if (!in.requests()) return true;
  return in.exchange->key == produce_key && !in.exchange->client.empty() && in.exchange->asked.current_is_known();
}

// While a message's content is not needed, it need not be copied.
Next KafkaSession::next(const Flow& in) const {
  constexpr std::uint64_t worth_saying = 1024;
  if (over_) return {.action = Next::Action::invalid};
  std::uint64_t unneeded = 0;
  if (in.state == State::tail) unneeded = in.left;
  if (in.state == State::body) unneeded = !in.tentative && in.reader.settled() ? in.left : in.reader.unneeded();
  if (unneeded < worth_saying) return {};
  return {.action = Next::Action::skip, .bytes = unneeded};
}

// `ends_here`: the segment ends with these bytes.
void KafkaSession::take(Flow& in, std::string_view bytes, bool ends_here, const Segment& s, CallSink& sink) {
  while (!over_ && !bytes.empty() && in.state != State::searching) {
    bytes.remove_prefix(take_part(in, bytes, s, sink));
    const bool inside = in.state != State::length && in.state != State::searching;
    if (inside && in.left == 0 && !over_) on_end(in, ends_here && bytes.empty(), s, sink);
  }
}

std::size_t KafkaSession::take_part(Flow& in, std::string_view bytes, const Segment& s, CallSink& sink) {
  std::size_t taken = 0;
  switch (in.state) {
    case State::length:
      if (in.have == 0) {
        in.first = s.direction == Direction::inbound ? s.end : s.begin;
        in.position = s.position_of(bytes);
      }
      taken = collect(in, bytes, length_size);
      if (in.have == length_size) on_length(in, s.end, sink);
      return taken;
    case State::head: {
      const std::size_t wanted = in.requests() ? request_head_size : response_head_size;
      taken = collect(in, bytes, wanted);
      in.left -= taken;
      if (in.have == wanted) on_head(in, s, sink);
      return taken;
    }
    case State::header:
    case State::body:
      taken = in.reader.take(bytes, in.collector);
      in.left -= taken;
      after_reading(in, sink);
      return taken;
    case State::tail:
      taken = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), in.left));
      in.left -= taken;
      if (in.held) hold_more(bytes.substr(0, taken));
      return taken;
    case State::searching: break;
  }
  return bytes.size();
}

std::size_t KafkaSession::collect(Flow& in, std::string_view bytes, std::size_t wanted) {
  const std::size_t taken = std::min(bytes.size(), wanted - in.have);
  std::memcpy(in.bytes.data() + in.have, bytes.data(), taken);
  in.have = static_cast<std::uint8_t>(in.have + taken);
  return taken;
}

void KafkaSession::on_length(Flow& in, Nanoseconds /*when*/, CallSink& sink) {
  const std::int64_t size = big_endian({in.bytes.data(), length_size});
  in.have = 0;
  in.exchange = nullptr;
  in.described = in.held = false;
  const std::size_t least = in.requests() ? request_head_size : response_head_size;
  if (tokens_ && size >= 0 && size < static_cast<std::int64_t>(least)) {
    in.size = in.left = static_cast<std::uint64_t>(size);
    in.state = size > 0 ? State::tail : State::length;
    return;
  }
  if (size < static_cast<std::int64_t>(least)) return fail(in, sink);
  if (in.tentative && (size > tentative_limit || (!in.requests() && !pairing_.any_waiting()))) return refute(in, sink);
  in.size = in.left = static_cast<std::uint64_t>(size);
  in.state = State::head;
}

void KafkaSession::on_head(Flow& in, const Segment& s, CallSink& sink) {
  in.have = 0;
  if (in.requests()) {
    on_request_head(in, s, sink);
  } else {
    on_response_head(in, sink);
  }
}

void KafkaSession::on_request_head(Flow& in, const Segment& s, CallSink& sink) {
  const std::string_view head(in.bytes.data(), request_head_size);
  const auto key = static_cast<std::int16_t>(big_endian(head.substr(0, 2)));
  const auto version = static_cast<std::int16_t>(big_endian(head.substr(2, 2)));
  const auto correlation = static_cast<std::int32_t>(big_endian(head.substr(4, 4)));
  const bool known = may_come_first(key, version);
  if (tokens_ && !known) return begin_tail(in, false);
  const bool sensible = key >= 0 && key < sensible_key && version >= 0 && version < sensible_version;
  if (!known && (in.tentative || !in.correlation || !sensible)) return fail(in, sink);
  tokens_ = false;
  Exchange& exchange = pairing_.open(sink);
  exchange.key = key;
  exchange.version = version;
  exchange.correlation = correlation;
  exchange.unconfirmed = !confirmed_;
  exchange.run = run_;
  exchange.call.start = in.first;
  exchange.call.pid = s.pid;
  exchange.call.tid = s.tid;
  exchange.call.position = in.position;
  exchange.call.request_body_bytes = in.size;
  in.exchange = &exchange;
  in.collector.begin(in.side, exchange, nullptr);
  begin_header(in);
}

void KafkaSession::on_response_head(Flow& in, CallSink& sink) {
  const auto correlation = static_cast<std::int32_t>(big_endian({in.bytes.data(), response_head_size}));
  in.exchange = pairing_.find(correlation);
  if (in.exchange == nullptr) {
    if (in.tentative) return refute(in, sink);
    hold(in, correlation);
    return begin_tail(in, false);
  }
  in.exchange->responding = true;
  in.exchange->call.first_byte = in.first;
  in.exchange->call.response_body_bytes = in.size;
  in.collector.begin(in.side, *in.exchange, in.tentative ? nullptr : &pairing_.topic_ids());
  begin_header(in);
}

// What follows the head is read as the body is. ControlledShutdown 0 is older than client ids; the response to
// ApiVersions has no tagged fields, as whoever reads it may not know of them.
void KafkaSession::begin_header(Flow& in) {
  const Exchange& exchange = *in.exchange;
  const Api* const api = find_api(exchange.key);
  const bool flexible = api != nullptr && is_flexible(*api, exchange.version);
  const bool without_client = exchange.key == controlled_shutdown_key && exchange.version == 0;
  in.state = State::header;
  if (in.requests()) {
    in.reader.begin(without_client ? Schema{} : Schema(request_header), 0, flexible, in.left, in.collector);
  } else {
    in.reader.begin({}, 0, flexible && exchange.key != api_versions_key, in.left, in.collector);
  }
  if (in.reader.finished()) begin_body(in);
}

void KafkaSession::begin_body(Flow& in) {
  const Exchange& exchange = *in.exchange;
  const Api* const api = find_api(exchange.key);
  if (api == nullptr || exchange.version > api->last_version) return begin_tail(in, false);
  in.state = State::body;
  in.reader.begin(in.requests() ? api->request : api->response, exchange.version, is_flexible(*api, exchange.version),
                  in.left, in.collector);
}

void KafkaSession::after_reading(Flow& in, CallSink& sink) {
  const MessageReader& reader = in.reader;
  if (in.tentative && in.collector.odd()) return refute(in, sink);  // before its length leads astray
  if (reader.bad()) {
    if (in.tentative || (in.requests() && !in.correlation)) return fail(in, sink);
    return begin_tail(in, false);
  }
  if (in.state == State::header) {
    if (reader.finished()) begin_body(in);
    if (in.state != State::body) return;
  }
  if (reader.finished() || reader.undescribed()) {
    in.described = reader.finished() && reader.left() == 0;
    if (in.tentative && reader.finished() && !in.described) return refute(in, sink);
    begin_tail(in, true);
  }
}

// What is left of the message says nothing. `read`: all that is wanted of it was there.
void KafkaSession::begin_tail(Flow& in, bool read) {
  in.state = State::tail;
  if (in.exchange == nullptr) return;
  in.collector.finish();
  (in.requests() ? in.exchange->request_read : in.exchange->response_read) = read;
  if (!in.requests() && read && !in.reader.undescribed()) in.exchange->codes_told = true;  // had there been any
}

// Bytes passed whose content nobody has.
void KafkaSession::pass(Flow& in, std::uint64_t count, const Segment& s, CallSink& sink) {
  while (!over_ && count > 0 && in.state != State::searching) {
    switch (in.state) {
      case State::length: return lose(in, sink);
      case State::head:
        if (in.tentative) return refute(in, sink);
        if (!in.requests()) pairing_.mark_missed();
        begin_tail(in, false);
        break;
      case State::header:
      case State::body: on_gap_in_body(in, count, sink); break;
      case State::tail: {
        const std::uint64_t passed = std::min(count, in.left);
        in.left -= passed;
        count -= passed;
        in.held = false;  // what follows cannot be appended
        break;
      }
      case State::searching: break;
    }
    const bool inside = in.state != State::searching && in.state != State::length;
    if (inside && in.left == 0 && !over_) on_end(in, count == 0, s, sink);
  }
}

void KafkaSession::on_gap_in_body(Flow& in, std::uint64_t& count, CallSink& sink) {
  if (in.state == State::body && !in.tentative && in.reader.settled()) return begin_tail(in, true);
  const std::uint64_t passed = std::min(count, in.reader.unneeded());
  if (passed > 0) {
    (void)in.reader.pass(passed, in.collector);
    in.left -= passed;
    count -= passed;
    return after_reading(in, sink);
  }
  if (in.tentative) return refute(in, sink);
  const bool known = in.requests() ? in.exchange->last_topic : in.exchange->error_seen;
  if (!known) in.exchange->call.partial |= partial_headers;
  begin_tail(in, false);
}

}  // namespace subfloor::protocols::kafka
