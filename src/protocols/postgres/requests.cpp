// SPDX-License-Identifier: Apache-2.0
// What a frontend says.
#include <utility>

#include "protocols/postgres/session.h"

namespace subfloor::protocols::postgres {
namespace {

bool contains(std::string_view text, std::string_view word) { return text.find(word) != std::string_view::npos; }

}  // namespace

// A segment of requests begins: what that proves about those before.
void PostgresSession::before_requests(CallSink& sink) {
  Stream& out = responses();
  if (!requests().reader.between_messages() || copy_in_) return;
  if (steps_.empty()) {
    settled_ = settled_ || ready_;
    return;
  }
  if (!ends_with_ready(steps_.back()) && steps_.back() != Step::unseen) return;  // it goes on with the same
  const bool answered = out.heard > 0 && (calls_.empty() || out.heard >= calls_.back().request_end);
  // Who waits for each answer has had this one, though its end was lost.
  const bool waited = out.searching && tolerant_ && !pipelined_ && answered && out.ignored > 0;
  const bool quiet = unsure_ && ready_ && answered;
  if (waited || quiet) {
    give_up(reason_for_gaps(), out.heard, sink);
    unsure_ = false;
    settled_ = true;
    return;
  }
  if (!out.searching) pipelined_ = true;
  if (pipelined_ && !settled_) unsure_ = true;
}

void PostgresSession::on_startup(const Message& m, const Segment& s, CallSink& sink) {
  const std::uint32_t code = m.content.size() < 4 ? 0 : read_u32(m.content);
  understood_ = true;
  if (code == code_ssl || code == code_gss) {
    encryption_asked_ = true;
    requests().reader.expect_untyped();
    return;
  }
  if (code == code_cancel) return;
  if (code >> 16 != 3) return finish(Next::Action::invalid, s.end, sink);
  std::string_view parameters = m.content.substr(4);
  database_.clear();
  while (!parameters.empty() && parameters[0] != '\0') {
    const auto key = take_text(parameters);
    const auto value = take_text(parameters);
    if (!key || !value) return;
    const std::string_view kept = value->substr(0, name_limit);
    if (*key == "database") database_ = kept;
    if (*key == "user") user_ = kept;
    if (*key == "application_name") application_ = kept;
  }
  if (database_.empty()) database_ = user_;  // that is the protocol's default
}

void PostgresSession::on_request(const Message& m, const Origin& origin, const Segment& s, CallSink& sink) {
  switch (m.type) {
    case 'Q': {
      if (failing_) return;  // discarded
      Exchange& call = push_call(Step::query, origin, s, sink);
      call.request_bytes = m.length;
      const std::string_view text = m.content.substr(0, m.content.find('\0'));
      describe(text, text.size() + 1 < m.length, call.about);
      statements_.erase("");  // unnamed ones end here
      portals_.erase("");
      forget_deallocated(call.about.statement);
      run_ = {};
      settle_early(origin, sink);
      break;
    }
    case 'P':
      begin_run(m, origin);
      on_parse(m.content, m.length, origin, s, sink);
      break;
    case 'B':
      begin_run(m, origin);
      on_bind(m.content);
      if (!failing_) push_step(Step::bind, sink);
      break;
    case 'D':
      begin_run(m, origin);
      if (!failing_) push_step(Step::describe, sink);
      break;
    case 'E':
      begin_run(m, origin);
      on_execute(m.content, s, sink);
      break;
    case 'C':
      on_close_named(m.content);
      if (!failing_) push_step(Step::close, sink);
      break;
    case 'S': on_sync(sink); break;
    case 'F': push_call(Step::function, origin, s, sink).request_bytes = m.length; break;
    case 'd':
      if (calls_.size() > (held_ ? 1U : 0U)) {
        oldest().request_bytes += m.length;
        oldest().request_end = s.end;
      }
      break;
    case 'c':
    case 'f': copy_in_ = false; break;
    default: break;
  }
}

void PostgresSession::begin_run(const Message& m, const Origin& origin) {
  if (!run_.begun) run_ = {.begun = true, .origin = origin};
  run_.bytes += m.length;
}

void PostgresSession::describe(std::string_view text, bool cut, Known& into) {
  sql::describe(text, {.text = keep_text_, .cut = cut, .backslash_escapes = backslash_escapes_}, into.statement);
  into.known = true;
}

// A name may mean another statement from here on, by PREPARE.
void PostgresSession::forget_deallocated(const sql::Statement& statement) {
  if (contains(statement.summary, "DEALLOCATE") || contains(statement.summary, "DISCARD")) statements_.clear();
}

void PostgresSession::on_parse(std::string_view content, std::uint64_t length, const Origin& origin, const Segment& s,
                               CallSink& sink) {
  const std::size_t size = content.size();
  const auto name = take_text(content);
  if (failing_) {  // discarded: the name may still mean what it meant
    if (name) statements_.erase(*name);
    return;
  }
  Exchange& call = push_call(Step::parse, origin, s, sink);
  if (!name) return;
  call.request_bytes = length;
  call.name = name->substr(0, name_limit);
  const std::size_t end = content.find('\0');
  const bool cut = end == std::string_view::npos && size < length;
  Known* const known = statements_.put(*name);
  Known& into = known != nullptr ? *known : call.about;
  describe(content.substr(0, end), cut, into);
  if (known == nullptr) return;
  statements_.filled(*known);
  call.about = *known;
}

void PostgresSession::on_bind(std::string_view content) {
  const auto portal = take_text(content);
  const auto name = take_text(content);
  if (!portal) return portals_.clear();
  Known* const into = portals_.put(*portal);
  if (into == nullptr) return;
  const Known* const statement = name ? statements_.find(*name) : nullptr;
  if (statement != nullptr) *into = *statement;
  portals_.filled(*into);
}

void PostgresSession::on_execute(std::string_view content, const Segment& s, CallSink& sink) {
  Exchange& call = push_call(Step::execute, run_.origin, s, sink);
  call.request_bytes = run_.bytes;
  const auto portal = take_text(content);
  if (const Known* const known = portal ? portals_.find(*portal) : nullptr) call.about = *known;
  run_ = {};
  if (!failing_) return forget_deallocated(call.about.statement);
  call.aborted = true;
  call.end = call.request_end;
  tell(call, sink);
  calls_.drop_back();
  steps_.drop_back();
}

void PostgresSession::on_close_named(std::string_view content) {
  if (content.empty() || failing_) return;
  const char what = content[0];
  content.remove_prefix(1);
  const auto name = take_text(content);
  Named& table = what == 'S' ? statements_ : portals_;
  if (name) {
    table.erase(*name);
  } else {
    table.clear();
  }
}

void PostgresSession::on_sync(CallSink& sink) {
  run_ = {};
  if (copy_in_) return;
  if (failing_) portals_.clear();
  failing_ = false;
  push_step(Step::sync, sink);
  if (!calls_.empty()) settle_early({.begin = calls_.front().start}, sink);
}

// Another thread read the answer, and its record came before that of the question.
void PostgresSession::settle_early(const Origin& origin, CallSink& sink) {
  const Nanoseconds early = std::exchange(early_, 0);
  if (early > origin.begin) give_up(partial_lost, early, sink);
}

void PostgresSession::push_step(Step step, CallSink& sink) {
  if (steps_.size() >= steps_limit || calls_.size() > outstanding_limit) {
    give_up(partial_lost, requests().heard, sink);
    unsure_ = true;
    if (is_call(step)) return;  // its call is gone as well
  }
  if (ends_with_ready(step)) {
    pipelined_ = pipelined_ || syncs_ > 0;
    ++syncs_;
  }
  steps_.push() = step;
}

Exchange& PostgresSession::push_call(Step step, const Origin& origin, const Segment& s, CallSink& sink) {
  if (steps_.size() >= steps_limit || calls_.size() >= outstanding_limit) {
    give_up(partial_lost, requests().heard, sink);
    unsure_ = true;
  }
  push_step(step, sink);
  Exchange& call = calls_.push();
  call.clear();
  call.step = step;
  call.start = is_server() ? origin.end : origin.begin;
  call.request_end = s.end;
  call.pid = origin.pid;
  call.tid = origin.tid;
  call.position = origin.position;
  ready_ = false;
  return call;
}

}  // namespace subfloor::protocols::postgres
