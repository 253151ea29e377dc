// SPDX-License-Identifier: Apache-2.0
// What a backend says.
#include "protocols/postgres/session.h"

namespace subfloor::protocols::postgres {
namespace {

bool answers(Step step, char type) {
  const auto one_of = [type](std::string_view types) { return types.find(type) != std::string_view::npos; };
  switch (step) {
    case Step::parse: return type == '1';
    case Step::bind: return type == '2';
    case Step::close: return type == '3';
    case Step::describe: return one_of("tTn");
    case Step::execute: return one_of("DCIsGHWdc");
    case Step::query: return one_of("TDCIGHWdc");
    case Step::function: return type == 'V';
    case Step::sync: return false;
    case Step::unseen: return true;
  }
  return false;
}

bool begins_call(char type) { return std::string_view("TDCIsGHWVE").find(type) != std::string_view::npos; }

}  // namespace

// One byte, no message. Whether it was that.
bool PostgresSession::on_encryption_answer(char answer, const Segment& s, CallSink& sink) {
  encryption_asked_ = false;
  if (answer == 'N') return true;
  if (answer == 'S') return to_tls_ = true;  // in which the startup message comes next, as after 'N'
  if (answer == 'G') finish(Next::Action::opaque, s.end, sink);
  return answer != 'E';  // a server that does not know the question
}

void PostgresSession::on_response_begun(const Message& m, const Segment& s) {
  if (!begins_call(m.type) || steps_.empty() || !is_call(steps_.front()) || steps_.front() == Step::parse) return;
  Exchange& call = oldest();
  if (call.first_byte == 0) call.first_byte = is_server() ? s.begin : s.end;
}

// The call that such a message belongs to, null where it is of another step, or of none. What was to be answered before
// has been, unseen.
Exchange* PostgresSession::answered_by(char type, const Segment& s, CallSink& sink) {
  if (steps_.empty() && !settled_ && tolerant_ && begins_call(type)) {  // asked before anybody listened
    Exchange& call = push_call(Step::query, {.begin = s.begin, .end = s.begin, .pid = s.pid, .tid = s.tid}, s, sink);
    call.partial = partial_joined_late;
    call.request_end = 0;
    call.first_byte = is_server() ? s.begin : s.end;
  }
  std::size_t i = 0;
  while (i < steps_.size() && !answers(steps_[i], type) && !ends_with_ready(steps_[i])) ++i;
  if (i == steps_.size() || !answers(steps_[i], type)) return nullptr;
  if (held_) release_held(sink);
  for (; i > 0; --i) {
    if (is_call(steps_.front())) pop_call(sink, steps_.front() == Step::execute);
    pop_step();
  }
  return is_call(steps_.front()) ? &oldest() : nullptr;
}

void PostgresSession::on_response(const Message& m, const Segment& s, CallSink& sink) {
  understood_ = true;
  switch (m.type) {
    case 'S': return on_parameter(m.content);
    case 'N':
    case 'A':
    case 'R':
    case 'K':
    case 'v': return;
    case 'Z': return on_ready(s, sink);
    default: break;
  }
  ready_ = false;
  if (m.type == 'E') return on_failure(m.content, s, sink);
  Exchange* const call = answered_by(m.type, s, sink);
  switch (m.type) {
    case 'D':
    case 'd':
      if (call == nullptr) return;
      ++call->rows;
      call->response_bytes += m.length;
      return;
    case 'C':
    case 'I':
    case 's':
    case 'V': return on_complete(m, s, sink);
    case 'G': return on_copy_in(call);
    case 'H':
      if (call != nullptr) call->copies_out = true;
      return;
    case 'W':  // replication
      if (call != nullptr) {
        call->end = s.end;
        call->answered = true;
        pop_call(sink, true);
        pop_step();
      }
      return finish(Next::Action::opaque, s.end, sink);
    case 'T':
    case 'n':
      if (!steps_.empty() && steps_.front() == Step::describe) pop_step();
      return;
    case '1':
      if (call != nullptr) pop_call(sink, false);
      [[fallthrough]];
    case '2':
    case '3':
      if (!steps_.empty() && answers(steps_.front(), m.type) && steps_.front() != Step::unseen) pop_step();
      return;
    default: return;
  }
}

void PostgresSession::on_parameter(std::string_view content) {
  const auto name = take_text(content);
  const auto value = take_text(content);
  if (!name || !value) return;
  if (*name == "standard_conforming_strings") backslash_escapes_ = *value != "on";
  if (*name == "application_name") application_ = value->substr(0, name_limit);
  if (*name == "session_authorization") user_ = value->substr(0, name_limit);
}

void PostgresSession::count_result(Exchange& call, const CommandTag& tag) {
  const std::uint64_t rows = tag.rows.value_or(0);
  const std::uint64_t came = std::exchange(call.rows, 0);
  const bool in_doubt = call.gaps && call.step == Step::query && call.about.statement.statements != 1;
  if (in_doubt) {  // there may have been others before this one
    call.uncountable = true;
  } else if (call.copies_out || came > 0 || (tag.returns_rows() && (rows == 0 || call.gaps))) {
    call.returns = true;
    call.returned += tag.rows ? rows : came;
  } else if (tag.rows) {  // CREATE TABLE AS says SELECT 5 and returns none
    call.affects = true;
    call.affected += rows;
  }
  call.copies_out = false;
}

// A statement is complete, or what it is to give at once.
void PostgresSession::on_complete(const Message& m, const Segment& s, CallSink& sink) {
  if (steps_.empty()) return;
  const CommandTag tag = m.type == 'C' ? read_tag(m.content) : CommandTag{};
  if (steps_.front() == Step::unseen) return tell_unseen(tag.command, {}, s, sink);
  if (!answers(steps_.front(), m.type)) return;
  Exchange& call = oldest();
  call.end = s.end;
  call.answered = true;
  if (call.command.empty()) call.command = tag.command;
  if (m.type == 'C') count_result(call, tag);
  if (m.type == 's') {
    call.suspended = call.returns = true;
    call.returned = call.rows;
    call.returns = !call.gaps;
  }
  copy_in_ = false;
  if (call.step != Step::execute) return;  // ReadyForQuery ends it
  pop_step();
  held_ = true;
  // What Sync does, committing, belongs to what came last.
  if (steps_.empty() || steps_.front() != Step::sync) release_held(sink);
}

void PostgresSession::on_copy_in(Exchange* call) {
  copy_in_ = true;
  if (call == nullptr || call->step != Step::execute) return;
  while (steps_.size() > 1 && steps_[1] == Step::sync) {  // the backend ignores it
    steps_.erase(1);
    --syncs_;
  }
}

void PostgresSession::on_failure(std::string_view content, const Segment& s, CallSink& sink) {
  copy_in_ = false;
  if (steps_.empty()) return;  // nobody's: the backend ends the connection
  const Failure failure = read_failure(content);
  const Step step = steps_.front();
  if (step == Step::unseen) return tell_unseen({}, failure.state, s, sink);
  if (step == Step::sync && !held_) return;
  if (!ends_with_ready(step)) return on_failed_run(failure, s, sink);
  Exchange& call = step == Step::sync ? calls_.front() : oldest();
  call.fail(failure);
  call.end = s.end;
}

// A message of the extended protocol failed. The backend discards what follows until Sync.
void PostgresSession::on_failed_run(const Failure& failure, const Segment& s, CallSink& sink) {
  if (held_) release_held(sink);
  bool executes = false;
  for (std::size_t i = 0; i < steps_.size() && steps_[i] != Step::sync; ++i) {
    executes = executes || steps_[i] == Step::execute;
  }
  bool blamed = false;
  portals_.clear();
  while (!steps_.empty() && steps_.front() != Step::sync) {
    const Step step = steps_.front();
    if (is_call(step)) {
      Exchange& call = oldest();
      if (step == Step::parse) statements_.erase(call.name);  // whether it is what it was before depends on the failure
      const bool culprit = !blamed && (step == Step::execute || !executes);
      if (culprit) {
        call.fail(failure);
        if (call.first_byte == 0) call.first_byte = is_server() ? s.begin : s.end;
      }
      blamed = blamed || culprit;
      call.aborted = !culprit;
      call.end = s.end;
      call.answered = true;
      pop_call(sink, step != Step::parse || culprit);
    }
    pop_step();
  }
  failing_ = steps_.empty();
}

void PostgresSession::on_ready(const Segment& s, CallSink& sink) {
  ready_ = true;
  copy_in_ = false;
  if (steps_.empty()) early_ = s.end;
  if (steps_.empty() || steps_.front() == Step::unseen) return;
  while (!ends_with_ready(steps_.front())) {
    if (is_call(steps_.front())) pop_call(sink, steps_.front() != Step::parse);
    pop_step();
    if (steps_.empty() || steps_.front() == Step::unseen) return;
  }
  if (is_call(steps_.front())) {
    oldest().end = s.end;
    oldest().answered = true;
    pop_call(sink, true);
  } else if (held_) {
    calls_.front().end = s.end;
    release_held(sink);
  }
  pop_step();
}

// The end of an answer, part of which was lost.
void PostgresSession::on_tail(const Tail& tail, const Segment& s, CallSink& sink) {
  std::size_t calls = 0;
  bool unseen = false;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    calls += steps_[i] == Step::parse || !is_call(steps_[i]) ? 0 : 1;
    unseen = unseen || steps_[i] == Step::unseen;
  }
  if (steps_.empty() && tail.type == 'C') (void)answered_by('C', s, sink);
  ready_ = true;
  if (steps_.empty()) return;
  if (unseen || syncs_ > 1) {
    unsure_ = true;
    return;
  }
  if (calls > 1 || syncs_ == 0) {
    if (syncs_ > 0) give_up(reason_for_gaps(), s.end, sink);
    ready_ = true;
    return;
  }
  while (!steps_.empty()) {
    if (is_call(steps_.front())) {
      Exchange& call = oldest();
      call.gaps = true;
      if (tail.type == 'C') {
        const CommandTag tag = read_tag(tail.content);
        if (call.command.empty()) call.command = tag.command;
        if (call.step != Step::parse) count_result(call, tag);
      }
      if (tail.type == 'E') call.fail(read_failure(tail.content));
      call.end = s.end;
      call.answered = tail.type != 0;
      if (!call.answered) call.partial |= reason_for_gaps();
      pop_call(sink, call.step != Step::parse);
    }
    pop_step();
  }
  if (held_) release_held(sink);
  unsure_ = false;
  ready_ = true;
}

}  // namespace subfloor::protocols::postgres
