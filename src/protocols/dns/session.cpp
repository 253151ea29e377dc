// SPDX-License-Identifier: Apache-2.0
// Queries and what becomes of them; the framing of streams is in session_streams.cpp.
#include "protocols/dns/session.h"

#include <algorithm>

namespace subfloor::protocols::dns {
namespace {

constexpr int rcode_server_failure = 2, rcode_not_implemented = 4;

// A client did not get what it asked for; a server failed only where it could not say.
bool is_error(int rcode, Kind kind) {
  if (kind == Kind::client) return rcode != 0;
  return rcode == rcode_server_failure || rcode == rcode_not_implemented;
}

Kind kind_of(Direction query) { return query == Direction::outbound ? Kind::client : Kind::server; }

}  // namespace

DnsSession::DnsSession(const Options& options) : datagrams_(options.datagrams), late_(options.joined_late) {
  for (Stream& stream : streams_) stream.searching = options.joined_late && !options.datagrams;
  searched_ = options.joined_late && !options.datagrams;
}

Next DnsSession::on_segment(const Segment& segment, CallSink& sink) {
  if (strangers_until_ == 0 && late_) strangers_until_ = segment.begin + query_timeout;
  if (!datagrams_) return on_stream(segment, sink);
  (void)on_message(
      {segment.bytes, segment.length, segment.direction, segment.begin, segment.end, segment.pid, segment.tid}, sink);
  return {};
}

// False where this is no message.
bool DnsSession::on_message(const Message& message, CallSink& sink) {
  Header header;
  if (parse_header(message.bytes, header) != Parse::complete || header.counts[0] > 1) return false;
  if (header.opcode() != 0) return true;  // NOTIFY, UPDATE …: nobody resolves anything
  if (!header.is_response()) {
    on_query(message, header, sink);
    return true;
  }
  std::size_t at = header_size;
  Query* query = nullptr;
  if (header.counts[0] == 1) {
    if (parse_question(message.bytes, at, question_) != Parse::complete) return false;
    query = find(header.id, opposite(message.direction), &question_);
  } else {  // a server that could not read the question, or saves the space
    query = find(header.id, opposite(message.direction), nullptr);
  }
  if (query == nullptr) {
    if (header.counts[0] != 1 || message.begin > strangers_until_) return true;
    begin_call(opposite(message.direction), question_);
    call_.start = message.begin;
    call_.partial = lost_ ? partial_lost : partial_joined_late;
    call_.pid = message.pid;
    call_.tid = message.tid;
    finish_call(message, header, question_, at, sink);
    return true;
  }
  const bool given_up = query->given_up;
  if (!given_up) {
    begin_call(*query);
    finish_call(message, header, query->question, at, sink);
  }
  remove(*query);
  return true;
}

void DnsSession::on_query(const Message& message, const Header& header, CallSink& sink) {
  std::size_t at = header_size;
  if (header.counts[0] != 1 || parse_question(message.bytes, at, question_) != Parse::complete) return;
  if (Query* again = find(header.id, message.direction, &question_); again != nullptr) {
    if (!again->given_up) {
      again->retries += message.begin >= again->last + copy_interval ? 1 : 0;
      again->last = message.begin;
      return;
    }
    remove(*again);
  }
  Query& query = new_query(message.begin, sink);
  query.id = header.id;
  query.direction = message.direction;
  query.given_up = query.answer_may_be_lost = false;
  query.retries = 0;
  query.question.name.assign(question_.name);
  query.question.type = question_.type;
  query.question.type_class = question_.type_class;
  query.question.hash = question_.hash;
  query.start = query.last = message.begin;
  query.end = message.end;
  query.pid = message.pid;
  query.tid = message.tid;
  query.size = message.length;
}

// The oldest that went in the direction, with this id and, where one is given, question; else null.
DnsSession::Query* DnsSession::find(std::uint16_t id, Direction direction, const Question* question) {
  for (Query& query : waiting()) {
    if (query.id == id && query.direction == direction && (question == nullptr || query.question == *question))
      return &query;
  }
  return nullptr;
}

void DnsSession::begin_call(Direction query, const Question& question) {
  call_.clear();
  call_.protocol = &protocol;
  call_.kind = kind_of(query);
  call_.operation = type_text(question.type);
  call_.target = question.name;
}

void DnsSession::begin_call(const Query& query) {
  begin_call(query.direction, query.question);
  call_.start = query.start;
  call_.request_end = query.end;
  call_.pid = query.pid;
  call_.tid = query.tid;
  call_.request_body_bytes = query.size;
  if (query.retries > 0) call_.attributes.add("dns.retries", static_cast<std::int64_t>(query.retries));
}

void DnsSession::finish_call(const Message& message, const Header& header, const Question& question, std::size_t at,
                             CallSink& sink) {
  parse_answers(message.bytes, at, header, question, answers_);
  call_.first_byte = message.begin;
  call_.end = message.end;
  call_.response_body_bytes = message.length;
  call_.status = answers_.rcode;
  if (is_error(answers_.rcode, call_.kind)) call_.error = rcode_text(answers_.rcode);
  if (!answers_.text.empty()) call_.attributes.add("dns.answers", answers_.text);
  if (header.truncated()) call_.attributes.add("dns.truncated", "true");
  std::swap(call_.resolutions, answers_.resolutions);
  if (call_.pid == 0) {  // of a server that is seen only once it answers
    call_.pid = message.pid;
    call_.tid = message.tid;
  }
  sink.on_call(call_);
}

void DnsSession::give_up(Query& query, Nanoseconds end, CallSink& sink) {
  query.given_up = true;
  begin_call(query);
  call_.end = std::max(end, query.end);
  call_.partial =
      static_cast<std::uint8_t>(partial_no_response | (query.answer_may_be_lost ? partial_lost : partial_no));
  if (!query.answer_may_be_lost && call_.end - query.start >= least_patience) call_.error = "timeout";
  sink.on_call(call_);
}

DnsSession::Query& DnsSession::new_query(Nanoseconds now, CallSink& sink) {
  if (count_ == outstanding_limit) {
    const std::span<Query> all = waiting();
    const auto known = std::find_if(all.begin(), all.end(), [](const Query& query) { return query.given_up; });
    Query& goes = known == all.end() ? all.front() : *known;
    if (!goes.given_up) {
      goes.answer_may_be_lost = true;  // it will not be known
      give_up(goes, now, sink);
    }
    remove(goes);
  }
  if (count_ == queries_.size()) queries_.emplace_back();
  return queries_[count_++];
}

void DnsSession::remove(const Query& query) {
  const auto at = queries_.begin() + (&query - queries_.data());
  std::rotate(at, at + 1, queries_.begin() + static_cast<std::ptrdiff_t>(count_));
  --count_;
}

void DnsSession::on_lost(Direction direction, Nanoseconds when, CallSink& /*sink*/) {
  lost_ = true;
  strangers_until_ = when + query_timeout;
  for (Query& query : waiting()) query.answer_may_be_lost = true;
  if (!datagrams_) search(stream(direction));
}

void DnsSession::on_tick(Nanoseconds now, CallSink& sink) {
  for (std::size_t i = 0; i < count_;) {
    Query& query = queries_[i];
    if (!query.given_up && now >= query.start + query_timeout) give_up(query, query.start + query_timeout, sink);
    if (query.given_up && now >= query.start + remembered) {
      remove(query);
    } else {
      ++i;
    }
  }
}

void DnsSession::on_close(Nanoseconds when, CallSink& sink) {
  for (Query& query : waiting()) {
    if (!query.given_up) give_up(query, when, sink);
  }
  count_ = 0;
  strangers_until_ = 0;
}

std::size_t DnsSession::active(Kind kind) const {
  return static_cast<std::size_t>(
      std::count_if(queries_.begin(), queries_.begin() + static_cast<std::ptrdiff_t>(count_),
                    [&](const Query& query) { return !query.given_up && kind_of(query.direction) == kind; }));
}

}  // namespace subfloor::protocols::dns
