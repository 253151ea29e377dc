// SPDX-License-Identifier: Apache-2.0
// How calls end, and what they tell.
#include <algorithm>
#include <string>

#include "protocols/mysql/mysql.h"
#include "protocols/mysql/session.h"

namespace subfloor::protocols::mysql {

// The oldest command was answered.
void MysqlSession::complete(Nanoseconds end, CallSink& sink) {
  Exchange& exchange = waiting_.front();
  Call& call = exchange.call;
  call.end = std::max(end, call.start);
  if (exchange.blind) responses().searching = true;
  if (exchange.unsure) {
    give_up(reason_for_gaps(), sink);
    return;
  }
  tell(exchange, sink);
  apply(exchange);
  waiting_.pop();
  answer_.clear();
  if (!waiting_.empty()) response_.begin(waiting_.front().shape);
}

// What a command that went well changes.
void MysqlSession::apply(Exchange& exchange) {
  const bool tracked = agreement_.known && agreement_.has(capability::session_track);
  if (answer_.schema_told) schema_ = answer_.schema;
  if (answer_.error) return;
  switch (exchange.code) {
    case code::change_user:
      user_ = exchange.user;
      schema_ = exchange.schema;
      [[fallthrough]];
    case code::reset_connection:
      statements_.clear();
      last_prepared_.reset();
      return;
    case code::prepare:
      if (answer_.statement && exchange.statement) statements_.add(*answer_.statement, exchange.statement);
      return;
    case code::init_database: schema_ = exchange.schema; return;
    case code::query: break;
    default: return;
  }
  if (!exchange.schema.empty()) {
    schema_ = exchange.schema;
  } else if (!tracked && (exchange.may_change_schema || (exchange.cut_statement && answer_.many))) {
    schema_.clear();
  }
}

void MysqlSession::tell(Exchange& exchange, CallSink& sink) {
  Call& call = exchange.call;
  call.protocol = &protocol;
  call.kind = is_server() ? Kind::server : Kind::client;
  if (answer_.of_mariadb) system_ = "mariadb";
  AttributeList& attributes = call.attributes;
  attributes.add("db.system.name", system_, Use::metric);
  if (!schema_.empty()) attributes.add("db.namespace", schema_, Use::metric);
  if (!user_.empty()) attributes.add("db.user", user_);
  if (!version_.empty()) attributes.add("db.mysql.server_version", version_);
  if (!program_.empty()) attributes.add("db.mysql.program_name", program_);
  if (exchange.began && !exchange.unsure) {
    if (answer_.error) {
      call.error = std::to_string(*answer_.error);
      const std::string_view state(answer_.sqlstate.data(), answer_.sqlstate.size());
      if (state.front() != '\0') attributes.add("db.mysql.sqlstate", state);
    } else if (!exchange.blind && (call.partial & partial_cut_short) == 0) {
      if (answer_.has_rows) attributes.add("db.response.returned_rows", static_cast<std::int64_t>(answer_.rows));
      if (answer_.has_affected && !answer_.has_rows && exchange.shape == Shape::result)
        attributes.add("db.mysql.affected_rows", static_cast<std::int64_t>(answer_.affected));
    }
  }
  sink.on_call(call);
}

// Nobody will know how the commands that wait were answered.
void MysqlSession::give_up(std::uint8_t reason, CallSink& sink) {
  while (!waiting_.empty()) {
    Exchange& exchange = waiting_.front();
    exchange.unsure = true;
    exchange.call.partial |= reason;
    exchange.call.first_byte = 0;
    exchange.call.end = std::max(exchange.call.request_end, exchange.call.start);
    tell(exchange, sink);
    waiting_.pop();
  }
  answer_.clear();
  if (request_side_) {
    responses().packets.reset();
    responses().searching = true;
    responses().over = false;
  }
}

void MysqlSession::on_tick(Nanoseconds now, CallSink& sink) {
  if (over_ || waiting_.empty()) return;
  Exchange& oldest = waiting_.front();
  if (!oldest.blind || !oldest.began || waiting_.size() > 1 || now < oldest.heard + silence_limit) return;
  oldest.call.partial |= partial_cut_short;
  complete(oldest.heard, sink);
}

void MysqlSession::on_close(Nanoseconds when, CallSink& sink) {
  if (!over_) finish(Next::Action::invalid, when, sink);
}

void MysqlSession::end_all(Nanoseconds when, CallSink& sink) {
  while (!waiting_.empty()) {
    Exchange& exchange = waiting_.front();
    Call& call = exchange.call;
    if (exchange.unsure) {
      give_up(reason_for_gaps(), sink);
      break;
    }
    call.partial |= exchange.began ? partial_cut_short : partial_no_response;
    call.end = std::max(exchange.began ? exchange.heard : when, call.start);
    tell(exchange, sink);
    waiting_.pop();
    answer_.clear();
  }
  for (Stream& each : streams_) {
    each.packets.reset();
    each.unpacker.reset();
    each.unpacker.wipe();
  }
  wipe(early_.bytes);
}

}  // namespace subfloor::protocols::mysql
