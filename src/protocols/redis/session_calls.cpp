// SPDX-License-Identifier: Apache-2.0
// Commands and replies to calls.
#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "protocols/redis/redis.h"
#include "protocols/redis/session.h"

namespace subfloor::protocols::redis {
namespace {

constexpr Nanoseconds quiet_time = 20'000'000;  // after so long a silence nothing that was pipelined is on its way
constexpr int enough_crossings = 8;
constexpr std::size_t held_limit = 64;
constexpr int orphans_limit = 64;

// "subscribe", "punsubscribe" …, "message": what comes to subscribers.
bool is_confirmation(std::string_view word) { return word.ends_with("subscribe"); }
bool is_message(std::string_view word) { return word == "message" || word == "pmessage" || word == "smessage"; }

bool confirms(const Command& command, std::string_view word) {
  return (command.effect == Effect::subscribe || command.effect == Effect::unsubscribe) &&
         equal_ignoring_case(command.name, word);
}

// "1339518083.107412", which MONITOR's lines begin with.
bool is_time(std::string_view word) {
  return word.size() > 10 && word.find('.') != word.npos && word.find_first_not_of("0123456789.") == word.npos;
}

// The prefix of an error as the conventions have it: "ERR", "WRONGTYPE".
std::string_view error_of(const Reply& reply) {
  if (!reply.is_error()) return {};
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  std::string_view word = reply.word;
  word = word.substr(0, word.find_first_of(" \r\n"));
  return word.empty() || word.find_first_not_of(letters) != word.npos ? "_OTHER" : word;
}

// As text, as the conventions have it.
void add_database(Call& call, std::int64_t database) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), database).ptr;
  call.attributes.add("db.namespace", std::string_view(digits.data(), end), Use::metric);
}

}  // namespace

void RedisSession::on_command(const Segment& s, CallSink& sink) {
  const Request& request = commands_.request();
  const Effect effect = request.command->effect;
  open_.command = request.command;
  open_.request_end = s.end;
  open_.size = request.size;
  open_.keys = request.keys.value_or(0);
  open_.database = request.database.value_or(-1);
  open_.unsure = unsure_;
  open_.replies = 1;
  if (effect == Effect::subscribe || effect == Effect::unsubscribe) {
    subscribed_ |= effect == Effect::subscribe;
    const std::uint64_t names =
        std::min<std::uint64_t>(request.arguments - 1, std::numeric_limits<std::uint32_t>::max());
    open_.replies = std::max(1U, static_cast<std::uint32_t>(names));
  }
  if (!is_answered(request)) return give(open_, request.key, partial_no, s.end, sink);
  if (pending_.size() == outstanding_limit) {  // the oldest is given away, and its reply passed over
    ++owed_;
    give(pending_.front(), pending_.front_key(), partial_lost, 0, sink);
    pending_.pop();
  }
  pending_.push(request.key) = open_;
  if (!held_.empty()) match_held(sink);
}

// Keeps account of CLIENT REPLY.
bool RedisSession::is_answered(const Request& request) {
  const bool skipped = std::exchange(mute_once_, false);
  if (request.mode == ReplyMode::on || request.command->effect == Effect::reset) {
    mute_ = false;
  } else if (request.mode == ReplyMode::off) {
    mute_ = true;
  } else if (request.mode == ReplyMode::skip && !mute_) {
    mute_once_ = true;
  }
  return !mute_ && !mute_once_ && !skipped;
}

void RedisSession::on_reply(const Segment& s, CallSink& sink) {
  const Reply& reply = replies_.reply();
  const bool may_be_message = subscribed_ || unsure_ || pending_.empty();
  if (reply.type == '>' ||
      (reply.type == '*' && may_be_message && (is_confirmation(reply.word) || is_message(reply.word))))
    return on_push(reply.word, s, sink);
  if (owed_ > 0 && (!unsure_ || pending_.empty())) {
    --owed_;
    return;
  }
  // No reply is older than its command.
  if (pending_.empty() || pending_.front().start > reply_start_) return hold(s, sink);
  complete(s, sink);
}

// What comes unasked, or says that a subscription begins or ends.
void RedisSession::on_push(std::string_view word, const Segment& s, CallSink& sink) {
  if (is_message(word)) subscribed_ = true;
  if (pending_.empty() || !confirms(*pending_.front().command, word)) return;
  if (--pending_.front().replies == 0) complete(s, sink);
}

// The oldest command has its reply.
void RedisSession::complete(const Segment& s, CallSink& sink) {
  const Pending& pending = pending_.front();
  const Reply& reply = replies_.reply();
  fill(pending, pending_.front_key());
  call_.first_byte = reply_start_;
  call_.end = s.end;
  call_.response_body_bytes = reply.size;
  if (pending.unsure) {
    call_.partial |= missing_;
  } else {
    call_.error.assign(error_of(reply));
  }
  const Pending answered = pending;
  pending_.pop();
  crossed_ |= pending_.empty();
  orphans_ = 0;
  sink.on_call(call_);
  if (answered.command->effect != Effect::none) apply(*answered.command, answered.database, sink);
}

// What a command changes once its reply is there.
void RedisSession::apply(const Command& command, std::int64_t database, CallSink& sink) {
  const Reply& reply = replies_.reply();
  if (reply.is_error()) {
    if (command.effect == Effect::exec) queued_database_ = -1;
    return;
  }
  switch (command.effect) {
    case Effect::select: (reply.word == "QUEUED" ? queued_database_ : database_) = database; break;
    case Effect::exec:
      if (queued_database_ >= 0 && !reply.null) database_ = queued_database_;
      queued_database_ = -1;
      break;
    case Effect::discard: queued_database_ = -1; break;
    case Effect::reset:
      database_ = 0;
      queued_database_ = -1;
      subscribed_ = false;
      break;
    case Effect::monitor:
    case Effect::sync:
      if (reply.word != "QUEUED") finish(Next::Action::opaque, sink);
      break;
    default: break;
  }
}

// A reply that nobody waits for: its command's record may come later, or was lost.
void RedisSession::hold(const Segment& s, CallSink& sink) {
  const Reply& reply = replies_.reply();
  crossings_ = 0;
  if (reply.type == '+' && is_time(reply.word)) return finish(Next::Action::opaque, sink);  // MONITOR
  if (++orphans_ > orphans_limit) return;
  if (held_.size() == held_limit) give_held(sink);
  held_.push_back({reply_start_, s.end, reply.size, s.pid, s.tid, std::string(error_of(reply))});
}

// A command began before the first byte of the oldest reply that is held.
void RedisSession::match_held(CallSink& sink) {
  if (pending_.front().start > held_.front().first_byte) return give_held(sink);
  const Answer answer = std::move(held_.front());
  held_.erase(held_.begin());
  fill(pending_.front(), pending_.front_key());
  call_.first_byte = answer.first_byte;
  call_.end = answer.end;
  call_.response_body_bytes = answer.size;
  if (pending_.front().unsure) {
    call_.partial |= missing_;
  } else {
    call_.error = answer.error;
  }
  pending_.pop();
  sink.on_call(call_);
}

// A command begins: is what was missing over?
void RedisSession::weigh(const Segment& s, CallSink& sink) {
  if (!unsure_) {
    pipelined_ |= !pending_.empty();
    return;
  }
  const Nanoseconds heard = std::max(heard_[0], heard_[1]);
  const bool quiet = heard != 0 && s.begin > heard + quiet_time;
  if (!pending_.empty()) {
    // Who never sent a command before the last was answered does not do it now: the answer passed unseen.
    if (quiet || (was_sure_ && !pipelined_)) return give_away(partial_lost, 0, sink);
    overlapped_ = true;
    crossings_ = 0;
    return;
  }
  if (!crossed_) return;
  crossed_ = false;
  if (!overlapped_ || quiet || ++crossings_ >= enough_crossings) settle();
}

void RedisSession::settle() {
  unsure_ = overlapped_ = false;
  was_sure_ = true;
  crossings_ = 0;
  owed_ = 0;
  missing_ = partial_lost;
}

void RedisSession::fill(const Pending& pending, std::string_view key) {
  call_.clear();
  call_.protocol = &protocol;
  call_.kind = server() ? Kind::server : Kind::client;
  call_.start = pending.start;
  call_.request_end = pending.request_end;
  call_.pid = pending.pid;
  call_.tid = pending.tid;
  call_.position = pending.position;
  call_.operation.assign(pending.command->name);
  call_.request_body_bytes = pending.size;
  if (database_ >= 0) add_database(call_, database_);
  if (pending.keys > 1) call_.attributes.add("db.redis.key_count", std::int64_t{pending.keys});
  if (!key.empty()) call_.attributes.add("db.operation.parameter.key", key);
}

// A call without its reply.
void RedisSession::give(const Pending& pending, std::string_view key, Partial why, Nanoseconds end, CallSink& sink) {
  fill(pending, key);
  call_.partial |= why;
  call_.end = std::max(end, pending.request_end);
  sink.on_call(call_);
}

void RedisSession::give_away(Partial why, Nanoseconds end, CallSink& sink) {
  for (; !pending_.empty(); pending_.pop()) give(pending_.front(), pending_.front_key(), why, end, sink);
}

// The command in the making, where its name is known.
bool RedisSession::give_open(Partial why, Nanoseconds end, CallSink& sink) {
  const Request& request = commands_.request();
  if (!commands_.begun() || request.command == nullptr) return false;
  open_.command = request.command;
  open_.request_end = 0;
  open_.size = request.size;
  open_.keys = 0;
  give(open_, {}, why, std::max(end, open_.start), sink);
  return true;
}

void RedisSession::give_held(CallSink& sink) {
  for (const Answer& answer : std::exchange(held_, {})) {
    call_.clear();
    call_.protocol = &protocol;
    call_.kind = server() ? Kind::server : Kind::client;
    call_.start = call_.first_byte = answer.first_byte;
    call_.end = answer.end;
    call_.pid = answer.pid;
    call_.tid = answer.tid;
    call_.error = answer.error;
    call_.response_body_bytes = answer.size;
    call_.partial = missing_;
    sink.on_call(call_);
  }
}

}  // namespace subfloor::protocols::redis
