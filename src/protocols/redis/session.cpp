// SPDX-License-Identifier: Apache-2.0
// Bytes to commands and replies.
#include "protocols/redis/session.h"

#include <utility>

#include "protocols/redis/redis.h"

namespace subfloor::protocols::redis {
namespace {

constexpr std::uint64_t skip_threshold = 4096;     // fewer bytes are not worth a change of plan in the kernel
// Short messages in so large a transfer: the next may be larger than what is copied of one.
constexpr int many_messages = 8;
constexpr std::size_t large_segment = 2048;
constexpr std::uint64_t search_limit = 1024 * 1024;  // bytes without any command before giving up

// Among bytes of which some are missing.
bool may_begin_command(std::string_view bytes) {
  const Guess guess = guess_command(bytes);
  if (guess != Guess::likely || bytes.front() == '*') return guess == Guess::yes || guess == Guess::likely;
  return bytes.find('\n') == bytes.size() - 1;  // a line of its own
}

}  // namespace

RedisSession::RedisSession(const Options& options)
    : wants_keys_(options.extras.key_names),
      kind_(options.kind),
      commands_(wants_keys_),
      pending_(wants_keys_),
      searching_{options.joined_late, options.joined_late},
      database_(options.joined_late ? -1 : 0),
      missing_(options.joined_late ? partial_joined_late : partial_lost),
      unsure_(options.joined_late),
      was_sure_(!options.joined_late),
      searched_(options.joined_late) {}

Next RedisSession::on_segment(const Segment& s, CallSink& sink) {
  if (over_) return {*over_};
  if (s.length == 0 || !learn_sides(s)) return over_ ? Next{*over_} : Next{};
  const bool request = s.direction == requests();
  if (request) {
    take_requests(s, sink);
  } else {
    take_replies(s, sink);
  }
  if (s.length > s.bytes.size() && !over_) pass(s.length - s.bytes.size(), s, sink);
  needs_depth_ |= messages_ >= many_messages && s.bytes.size() >= large_segment;
  messages_ = 0;
  heard_[static_cast<std::size_t>(s.direction)] = s.end;
  if (over_) return {*over_};
  Next next;
  if (needs_depth_ && !std::exchange(deep_, true)) next.deep = true;
  const std::uint64_t skippable = request ? commands_.skippable() : replies_.skippable();
  if (!searching(s.direction) && skippable >= skip_threshold) {
    next.action = Next::Action::skip;
    next.bytes = skippable;
  }
  return next;
}

// Who sends commands: the client speaks first. Joined late, content says so, or who connected.
bool RedisSession::learn_sides(const Segment& s) {
  if (request_side_) return true;
  if (!searched_ || guess_command(s.bytes) == Guess::yes) {
    request_side_ = s.direction;
  } else if (kind_) {
    request_side_ = *kind_ == Kind::server ? Direction::inbound : Direction::outbound;
  } else {
    ignored_ += s.length;
    if (ignored_ > search_limit) over_ = Next::Action::invalid;
  }
  return request_side_.has_value();
}

void RedisSession::take_requests(const Segment& s, CallSink& sink) {
  if (searching(s.direction)) {
    if (!may_begin_command(s.bytes)) return;
    searching(s.direction) = false;
  }
  bool first = true;
  for (std::string_view bytes = s.bytes; !bytes.empty() && !over_;) {
    if (!commands_.begun()) {
      open_.start = server() ? s.end : s.begin;
      open_.pid = s.pid;
      open_.tid = s.tid;
      open_.position = s.position_of(bytes);
      if (first) weigh(s, sink);
    }
    first = false;
    switch (commands_.take(bytes)) {
      case CommandReader::Step::more:
      case CommandReader::Step::nothing: break;
      case CommandReader::Step::command:
        ++messages_;
        on_command(s, sink);
        break;
      case CommandReader::Step::malformed: return fail(s, sink);
    }
  }
}

void RedisSession::take_replies(const Segment& s, CallSink& sink) {
  if (searching(s.direction)) {
    if (guess_reply(s.bytes) != Guess::yes) return;
    searching(s.direction) = false;
  }
  for (std::string_view bytes = s.bytes; !bytes.empty() && !over_;) {
    if (!replies_.begun()) {
      reply_start_ = server() ? s.begin : s.end;
      if (bytes.front() == '\n') {  // a master says so while it makes its data set ready
        bytes.remove_prefix(1);
        continue;
      }
      // SYNC has no reply but the data set, which is followed by all that changes.
      if (bytes.front() == '$' && !pending_.empty() && pending_.front().command->name == "SYNC") {
        replies_.reset();
        return complete(s, sink);
      }
    }
    switch (replies_.take(bytes)) {
      case ReplyReader::Step::more: break;
      case ReplyReader::Step::reply:
        ++messages_;
        on_reply(s, sink);
        replies_.forget();
        break;
      case ReplyReader::Step::malformed: return fail(s, sink);
    }
  }
}

// Bytes that were not copied. What is not inside a string is lost.
void RedisSession::pass(std::uint64_t count, const Segment& s, CallSink& sink) {
  if (searching(s.direction)) return;
  if (s.direction == requests()) {
    if (commands_.pass(count) == CommandReader::Step::command) on_command(s, sink);
  } else if (replies_.pass(count) == ReplyReader::Step::reply) {
    on_reply(s, sink);
  }
  if (count == 0 || over_) return;
  needs_depth_ = true;
  lose(s.direction, sink);
}

void RedisSession::on_lost(Direction direction, Nanoseconds, CallSink& sink) {
  if (!over_ && request_side_) lose(direction, sink);
}

// Not RESP: where bytes are missing that may be why.
void RedisSession::fail(const Segment& s, CallSink& sink) {
  if (searched_) return lose(s.direction, sink);
  finish(Next::Action::invalid, sink);
}

void RedisSession::lose(Direction d, CallSink& sink) {
  missing_ = partial_lost;
  owed_ += pending_.size();
  give_away(partial_lost, 0, sink);
  if (d == requests()) {
    owed_ += give_open(partial_lost, 0, sink) ? 1 : 0;
    commands_.reset();
    database_ = queued_database_ = -1;
    mute_ = mute_once_ = false;
  } else {
    replies_.reset();
  }
  searching(d) = true;
  searched_ = unsure_ = true;
  crossed_ = overlapped_ = false;
  crossings_ = 0;
}

void RedisSession::finish(Next::Action action, CallSink& sink) {
  give_held(sink);
  give_away(partial_lost, 0, sink);
  (void)give_open(partial_lost, 0, sink);
  commands_.reset();
  over_ = action;
}

void RedisSession::on_close(Nanoseconds when, CallSink& sink) {
  if (over_) return;
  give_away(partial_no_response, when, sink);
  (void)give_open(partial_no_response, when, sink);
  commands_.reset();
  finish(Next::Action::opaque, sink);
}

void RedisSession::on_tick(Nanoseconds now, CallSink& sink) {
  constexpr Nanoseconds patience = 1'000'000'000;
  if (!held_.empty() && held_.back().end + patience < now) give_held(sink);
  pending_.shrink();
}

std::size_t RedisSession::active(Kind kind) const {
  return request_side_ && (kind == Kind::server) == server() ? pending_.size() : 0;
}

}  // namespace subfloor::protocols::redis
