// SPDX-License-Identifier: Apache-2.0
// What the server sends: its greeting, how the login went, and answers.
#include <algorithm>

#include "protocols/mysql/evidence.h"
#include "protocols/mysql/handshake.h"
#include "protocols/mysql/session.h"

namespace subfloor::protocols::mysql {
namespace {

constexpr char ok = '\x00', eof = '\xfe', more_data = '\x01', error = '\xff';

}  // namespace

void MysqlSession::on_response_head(const Segment& s, CallSink& sink) {
  switch (phase_) {
    case Phase::greeting: return on_greeting(s, sink);
    case Phase::login: return on_login_answer(s, sink);
    case Phase::commands: return on_answer(s, sink);
  }
}

void MysqlSession::on_greeting(const Segment& s, CallSink& sink) {
  const Packets& packets = responses().packets;
  const std::string_view payload = packets.head();
  const Evidence evidence = look_at_first_payload(payload.substr(0, 60), packets.length());
  if (evidence == Evidence::refusal && packets.sequence() == 0) return refuse(s, sink);
  const std::optional<Greeting> greeting = parse_greeting(payload);
  if (evidence != Evidence::greeting || !greeting || packets.sequence() != 0)
    return finish(Next::Action::invalid, s.end, sink);
  server_capabilities_ = greeting->capabilities;
  system_ = greeting->mariadb || (greeting->capabilities & capability::mysql) == 0 ? "mariadb" : "mysql";
  version_.assign(greeting->version);
  phase_ = Phase::login;
}

// Too many connections, or none from there: the error takes the greeting's place.
void MysqlSession::refuse(const Segment& s, CallSink& sink) {
  const Segment& first = responses().first;
  Call& call = login_.call;
  call.start = first.begin;
  call.request_end = first.begin;
  call.pid = first.pid;
  call.tid = first.tid;
  call.operation = "CONNECT";
  phase_ = Phase::login;
  on_login_answer(s, sink);
}

void MysqlSession::on_login_answer(const Segment& s, CallSink& sink) {
  Stream& in = responses();
  const std::string_view payload = in.packets.head();
  if (login_.call.start == 0 || payload.empty()) return finish(Next::Action::invalid, s.end, sink);
  switch (payload.front()) {
    case ok: in.over = true; return;
    case eof:
    case more_data: return;
    case error:
      answer_.clear();
      response_.begin(Shape::simple);
      (void)response_.on_packet(payload, in.packets.length(), agreement_, answer_);
      if (!answer_.error || *answer_.error == progress_code) return;
      login_.call.first_byte = is_server() ? in.first.begin : in.first.end;
      login_.call.response_body_bytes = in.packets.length();
      login_.began = true;
      in.over = true;
      return;
    default: finish(Next::Action::invalid, s.end, sink);
  }
}

void MysqlSession::log_in(const Segment& s, CallSink& sink) {
  schema_.swap(login_.schema);
  login_.clear();
  answer_.clear();
  phase_ = Phase::commands;
  compressed_ = agreement_.has(capability::compress);
  if (!compressed_ && agreement_.has(capability::zstd)) return finish(Next::Action::opaque, s.end, sink);
  if (!compressed_) return;
  for (Stream& each : streams_) each.packets.ignore_sequence();
}

void MysqlSession::on_answer(const Segment& s, CallSink& sink) {
  Stream& in = responses();
  const Packets& packets = in.packets;
  if (waiting_.empty()) {
    const bool straggler = packets.length() == 5 && ends_rows(packets.head(), 5);
    if (straggler) return;
    return lose(s.direction);
  }
  Exchange& exchange = waiting_.front();
  if (!exchange.began) {
    if (!exchange.sequence_known) {  // the client's last packets were not seen
      exchange.sequence = packets.sequence();
      exchange.call.request_end = std::max(exchange.call.request_end, requests().heard);
    }
    exchange.call.first_byte = is_server() ? in.first.begin : in.first.end;
  }
  if (packets.sequence() != exchange.sequence && !compressed_) return fail(s.direction, s.end, sink);
  exchange.began = true;
  exchange.heard = s.end;
  if (packets.head().size() < std::min<std::uint64_t>(packets.length(), head_limit)) tolerant_ = true;
  if (exchange.shape == Shape::loose) return lose(s.direction);
  switch (response_.on_packet(packets.head(), packets.length(), agreement_, answer_)) {
    case Response::Result::more: return;
    case Response::Result::done: in.over = true; return;
    case Response::Result::client_sends: exchange.sends_file = true; return;
    case Response::Result::wrong: fail(s.direction, s.end, sink);
  }
}

void MysqlSession::on_response_end(const Segment& s, CallSink& sink) {
  Stream& in = responses();
  const bool over = std::exchange(in.over, false);
  if (phase_ == Phase::login) {
    if (!over) return;
    if (!answer_.error) return log_in(s, sink);
    login_.call.end = s.end;
    tell(login_, sink);
    return finish(Next::Action::invalid, s.end, sink);
  }
  if (phase_ != Phase::commands || waiting_.empty()) return;
  Exchange& exchange = waiting_.front();
  exchange.sequence = static_cast<std::uint8_t>(in.packets.sequence() + 1);
  exchange.heard = s.end;
  exchange.call.response_body_bytes += in.packets.passed();
  if (over) complete(s.end, sink);
}

// A part of the answer was not seen. Its end is where the packets at the end of a segment say so, or before the next
// command.
void MysqlSession::on_blind(std::string_view bytes, std::uint64_t gap, const Segment& s, CallSink& sink) {
  Exchange& exchange = waiting_.front();
  if (!exchange.began) exchange.call.first_byte = is_server() ? s.begin : s.end;
  exchange.began = true;
  exchange.heard = s.end;
  exchange.call.response_body_bytes += bytes.size() + gap;
  if (gap > 0 || exchange.unsure || exchange.shape == Shape::loose) return;
  const std::optional<End> end = end_of_answer(bytes);
  if (!end || (end->status & server_status::more_results) != 0) return;
  if (!response_.in_rows() && agreement_.deprecate_eof != true && !end->error) return;  // of the columns, perhaps
  answer_.error = end->error;
  complete(s.end, sink);
}

}  // namespace subfloor::protocols::mysql
