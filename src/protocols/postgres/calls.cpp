// SPDX-License-Identifier: Apache-2.0
// How calls end, and what is told of them.
#include "protocols/postgres/postgres.h"
#include "protocols/postgres/session.h"

namespace subfloor::protocols::postgres {

void PostgresSession::pop_step() {
  if (ends_with_ready(steps_.front())) --syncs_;
  steps_.pop();
}

// Takes the oldest call that is not held out of the queue, and tells of it or not.
void PostgresSession::pop_call(CallSink& sink, bool told) {
  if (held_) release_held(sink);
  Exchange& call = calls_.front();
  if (told) {
    if (!call.answered && call.partial == 0) call.partial = partial_lost;
    tell(call, sink);
  }
  calls_.pop();
}

void PostgresSession::release_held(CallSink& sink) {
  held_ = false;
  tell(calls_.front(), sink);
  calls_.pop();
}

// Ends all that is outstanding: whether and how each was answered is not known.
void PostgresSession::give_up(std::uint8_t why, Nanoseconds end, CallSink& sink) {
  if (held_) release_held(sink);
  while (!calls_.empty()) {
    Exchange& call = calls_.front();
    if (call.step == Step::parse) {
      statements_.erase(call.name);
    } else {
      const bool begun = call.first_byte != 0;
      if (call.state.empty() && (!call.answered || call.step == Step::query)) {
        call.partial |= why == partial_no_response && begun ? std::uint8_t{partial_cut_short} : why;
      }
      if (call.state.empty()) call.end = std::max(end, call.start);
      tell(call, sink);
    }
    calls_.pop();
  }
  while (!steps_.empty()) steps_.pop();
  syncs_ = 0;
  run_ = {};
  failing_ = copy_in_ = false;
}

// An answer whose request was lost.
void PostgresSession::tell_unseen(std::string_view command, std::string_view state, const Segment& s, CallSink& sink) {
  unseen_.clear();
  unseen_.step = Step::execute;
  unseen_.command = command;
  unseen_.state = state;
  unseen_.partial = partial_lost;
  unseen_.first_byte = unseen_.start = is_server() ? s.begin : s.end;
  unseen_.end = s.end;
  tell(unseen_, sink);
}

void PostgresSession::tell(Exchange& call, CallSink& sink) {
  call_.clear();
  call_.protocol = &protocol;
  call_.kind = is_server() ? Kind::server : Kind::client;
  call_.start = call.start;
  call_.request_end = call.request_end;
  call_.first_byte = call.first_byte;
  call_.end = std::max(call.end, call.start);
  call_.pid = call.pid;
  call_.tid = call.tid;
  call_.position = call.position;
  call_.request_body_bytes = call.request_bytes;
  call_.response_body_bytes = call.response_bytes;
  call_.partial = call.partial;
  const sql::Statement& statement = call.about.statement;
  if (call.step == Step::function) {
    call_.operation = "FUNCTION CALL";
  } else {
    if (!call.about.known && call_.partial == 0) call_.partial = partial_context;
    call_.operation = statement.operation.empty() ? call.command : statement.operation;
    call_.target = statement.target;
  }
  add_attributes(call);
  sink.on_call(call_);
}

void PostgresSession::add_attributes(const Exchange& call) {
  AttributeList& told = call_.attributes;
  const sql::Statement& statement = call.about.statement;
  if (!database_.empty()) told.add("db.namespace", database_, Use::metric);
  if (!statement.summary.empty()) told.add("db.query.summary", statement.summary, Use::group);
  if (call.aborted) {
    call_.error = "pipeline_aborted";
  } else if (!call.state.empty()) {
    call_.error = call.state;
    told.add("db.response.status_code", call.state, Use::metric);
    if (!call.severity.empty()) told.add("postgresql.severity", call.severity);
  }
  if (!statement.text.empty()) told.add("db.query.text", statement.text);
  if (statement.statements > 1) {
    told.add("db.operation.batch.size", static_cast<std::int64_t>(statement.statements));
  }
  if (!call.uncountable && call.returns) {
    told.add("db.response.returned_rows", static_cast<std::int64_t>(call.returned));
  }
  if (!call.uncountable && call.affects) told.add("postgresql.affected_rows", static_cast<std::int64_t>(call.affected));
  if (call.suspended) told.add("postgresql.portal", "suspended");
  if (!user_.empty()) told.add("user.name", user_);
  if (!application_.empty()) told.add("postgresql.application_name", application_);
}

}  // namespace subfloor::protocols::postgres
