// SPDX-License-Identifier: Apache-2.0
// Bytes to heads: where messages begin, and what opens with them.
#include "protocols/http1/session.h"

#include <algorithm>
#include <utility>

#include "model/http.h"

namespace subfloor::protocols::http1 {
namespace {

constexpr std::uint8_t blank_limit = 64;                      // empty-line bytes before a message
constexpr std::uint64_t search_limit = 1024 * 1024;           // bytes without any message before giving up
constexpr std::uint64_t skip_threshold = 1024;  // fewer bytes are not worth a change of plan in the kernel
constexpr std::size_t kept_buffer = 4096;
constexpr std::size_t prefix_recheck = 64;  // a start line this long has shown its method

}  // namespace

Http1Session::Http1Session(const Options& options)
    : keep_headers_(options.keep_headers),
      header_limit_(std::min(options.header_limit, head_limit)),
      tolerant_(options.joined_late),
      settled_(!options.joined_late),
      pairing_(options.joined_late, options.extras.forwarded_for) {
  if (!options.joined_late) return;
  for (Stream& each : streams_) each.state = Stream::State::searching;
}

Next Http1Session::on_segment(const Segment& s, CallSink& sink) {
  if (!over_ && s.length + s.bytes.size() > 0) {
    Stream& in = stream(s.direction);
    take(s.bytes, s, sink);
    if (s.length > s.bytes.size()) pass(s.length - s.bytes.size(), s, sink);
    in.heard = s.end;
    if (in.open && in.state != Stream::State::head) in.last = s.end;
  }
  Next result = over_ ? last_word() : next(stream(s.direction));
  result.deep = std::exchange(asks_depth_, false);
  return result;
}

Next Http1Session::last_word() const {
  if (*over_ == Next::Action::hand_over) return {Next::Action::hand_over, taken_, "http2"};
  return {*over_};
}

Next Http1Session::next(const Stream& in) const {
  if (in.state != Stream::State::body || in.body.skippable() < skip_threshold) return {};
  return {Next::Action::skip, in.body.skippable()};
}

void Http1Session::take(std::string_view bytes, const Segment& s, CallSink& sink) {
  Stream& in = stream(s.direction);
  bool at_start = true;
  while (!bytes.empty() && !over_) {
    switch (in.state) {
      case Stream::State::searching:
        if (!at_start || !starts_message(bytes, s.direction)) {
          in.ignored += bytes.size();
          if (!request_side_ && in.ignored > search_limit) finish(Next::Action::invalid, s.end, sink);
          return;
        }
        in.tentative = true;
        begin_message(bytes, false, s, sink);
        break;
      case Stream::State::idle: begin_message(bytes, !at_start, s, sink); break;
      case Stream::State::head: continue_head(bytes, s, sink); break;
      case Stream::State::body: on_progress(in.body.take(bytes), s, sink); break;
    }
    at_start = false;
    taken_ = s.bytes.size() - bytes.size();
  }
}

void Http1Session::pass(std::uint64_t count, const Segment& s, CallSink& sink) {
  Stream& in = stream(s.direction);
  while (count > 0 && !over_) {
    if (in.state != Stream::State::body) return lose(s.direction, sink);
    on_progress(in.body.pass(count), s, sink);
    if (in.state == Stream::State::searching) return;
  }
}

void Http1Session::begin_message(std::string_view& bytes, bool follows, const Segment& s, CallSink& sink) {
  Stream& in = stream(s.direction);
  while (!bytes.empty() && (bytes.front() == '\r' || bytes.front() == '\n')) {
    if (++in.blank > blank_limit) return fail(s.direction, s.end, sink);
    bytes.remove_prefix(1);
  }
  if (bytes.empty()) return;
  in.first = s;
  in.first.bytes = {};
  in.first.position = s.position_of(bytes);
  in.follows = follows;

  Head head;
  const std::string_view text = bytes.substr(0, head_limit);
  switch (parse_head(text, store(), head)) {
    case Parse::complete:
      bytes.remove_prefix(head.size);
      on_head(head, s, sink);
      return;
    case Parse::incomplete:
      in.state = Stream::State::head;
      in.head_end.reset();
      in.line_checked = false;
      continue_head(bytes, s, sink);
      return;
    case Parse::bad: fail(s.direction, s.end, sink); return;
  }
}

void Http1Session::continue_head(std::string_view& bytes, const Segment& s, CallSink& sink) {
  Stream& in = stream(s.direction);
  const std::size_t before = in.buffer.size();
  const std::size_t n = std::min(bytes.size(), head_limit - before);
  in.buffer.append(bytes.substr(0, n));
  const std::size_t size = in.head_end.find(in.buffer);
  if (!still_plausible(n, s.direction)) return fail(s.direction, s.end, sink);
  if (size > 0) {
    bytes.remove_prefix(size - before);
    Head head;
    if (parse_head(std::string_view(in.buffer).substr(0, size), store(), head) != Parse::complete) {
      return fail(s.direction, s.end, sink);
    }
    on_head(head, s, sink);
    release_buffer(in);
    return;
  }
  bytes.remove_prefix(n);
  if (in.buffer.size() < head_limit) return;
  if (!in.line_checked) return fail(s.direction, s.end, sink);
  lose(s.direction, sink);
}

bool Http1Session::may_be_start(Parse parse, const StartLine& line, Direction d) const {
  if (parse == Parse::bad) return false;
  const bool known_kind = line.is_response || !line.method.empty();
  if (!known_kind) return true;
  if (request_side_ && is_request_side(d) == line.is_response) return false;
  return line.is_response || !stream(d).tentative || is_common_method(line.method);
}

bool Http1Session::starts_message(std::string_view bytes, Direction d) const {
  StartLine line;
  const Parse parse = parse_start_line(bytes.substr(0, head_limit), line);
  if (!line.is_response && !is_common_method(line.method)) return false;
  return may_be_start(parse, line, d);
}

bool Http1Session::still_plausible(std::size_t fresh, Direction d) {
  Stream& in = stream(d);
  if (in.line_checked) return true;
  const std::string_view text = in.buffer;
  if (in.head_end.first_line_complete() || text.size() - fresh <= prefix_recheck) {
    StartLine line;
    const Parse parse = parse_start_line(text, line);
    in.line_checked = parse == Parse::complete;
    return may_be_start(parse, line, d);
  }
  std::string_view added = text.substr(text.size() - fresh - 1);  // with the byte before: a CR may have been the last
  if (added.ends_with('\r')) added.remove_suffix(1);
  return !has_control(added);
}

void Http1Session::learn_sides(const StartLine& line, Direction d) {
  if (request_side_) return;
  request_side_ = line.is_response ? opposite(d) : d;
  pairing_.set_kind(*request_side_ == Direction::inbound ? Kind::server : Kind::client);
}

void Http1Session::on_head(const Head& head, const Segment& s, CallSink& sink) {
  Stream& in = stream(s.direction);
  if (!may_be_start(Parse::complete, head.start, s.direction)) return fail(s.direction, s.end, sink);
  learn_sides(head.start, s.direction);
  in.blank = 0;
  in.ignored = 0;
  if (head.start.is_response) {
    on_response(head, s, sink);
  } else {
    on_request(head, s, sink);
  }
  in.tentative = false;
}

void Http1Session::on_request(const Head& head, const Segment& s, CallSink& sink) {
  Stream& in = stream(s.direction);
  Exchange& exchange = open_request(head, head.size, sink);
  asks_depth_ = asks_depth_ || head.h2c;
  const bool connect = exchange.call.operation == "CONNECT";
  const bool tunnel = connect && exchange.response_begun && exchange.call.status.value_or(0) / 100 == 2;
  Framing framing = request_framing(head);
  if (connect) framing = Framing{};
  in.state = Stream::State::body;
  on_progress(in.body.start(framing), s, sink);
  if (tunnel) return finish(Next::Action::opaque, s.end, sink);
  // What follows CONNECT may be the tunnel's. What follows contradictory framing nobody can tell, but the server's
  // answer to it is worth seeing.
  if (connect || !framing.valid) tolerant_ = true;
  if (!framing.valid) in.state = Stream::State::searching;
}

void Http1Session::on_response(const Head& head, const Segment& s, CallSink& sink) {
  Stream& in = stream(s.direction);
  const int status = head.start.status;
  if (in.open) complete(s.direction, in.last, sink);
  if (status < 200 && status != 101) {  // interim: the request still waits for its answer
    in.state = Stream::State::idle;
    return;
  }
  if (status == 101 && head.h2c && hand_over(s, sink)) return;
  Exchange* exchange = open_response(head, head.size, sink);
  const std::string_view method = exchange ? std::string_view(exchange->call.operation) : std::string_view();
  const Framing framing = response_framing(head, method);
  in.switches = status == 101 || (method == "CONNECT" && status < 300);
  in.state = Stream::State::body;
  if (framing.valid) return on_progress(in.body.start(framing), s, sink);
  (void)in.body.start({});
  in.last = s.end;
  fail(s.direction, s.end, sink);
}

// HTTP/2 answers the request that asked for it. False where nobody knows which one that is.
bool Http1Session::hand_over(const Segment& s, CallSink& sink) {
  upgraded_ = pairing_.take_only();
  if (!upgraded_) return false;
  finish(Next::Action::hand_over, s.end, sink);
  return true;
}

Exchange& Http1Session::open_request(const Head& head, std::size_t size, CallSink& sink) {
  settle_before_request(sink);
  Stream& in = requests();
  const bool server = *request_side_ == Direction::inbound;
  const Nanoseconds start = server ? in.first.end : in.first.begin;
  Exchange& exchange = pairing_.begin_request(start, sink);
  Call& call = exchange.call;
  call.start = start;
  call.pid = in.first.pid;
  call.tid = in.first.tid;
  call.position = in.first.position;
  call.operation.assign(head.start.method);
  if (head.start_complete) {
    const HttpTarget target = split_target(head.start.method, head.start.target);
    call.path.assign(target.path);
    call.query.assign(target.query);
    call.version.assign(head.start.version);
  }
  take_fields(call, call.request_headers);
  if (head.fields_cut) call.partial |= partial_headers;
  if (in.tentative && may_be_the_rest_of_another_method(head.start.method)) call.partial |= reason_for_gaps();
  in.exchange = &exchange;
  in.open = true;
  in.state = Stream::State::body;  // no longer searching: a response that came early must not end it, and give it away
  in.last = in.first.end;
  pairing_.count_head(exchange, size);
  sink.on_request(call, server ? Kind::server : Kind::client);
  settle_orphan(sink);
  settle_early_response(exchange, sink);
  keep_within_limits(sink);
  return exchange;
}

Exchange* Http1Session::open_response(const Head& head, std::size_t size, CallSink& sink) {
  Stream& in = responses();
  const bool server = *request_side_ == Direction::inbound;
  Exchange* exchange = pairing_.begin_response(server ? in.first.begin : in.first.end, sink);
  in.exchange = exchange;
  in.open = true;
  in.last = in.first.end;
  if (!exchange) return nullptr;
  Call& call = exchange->call;
  call.status = head.start.status;
  if (!exchange->request_seen) {
    call.version.assign(head.start.version);
    call.pid = in.first.pid;
    call.tid = in.first.tid;
  }
  take_fields(call, call.response_headers);
  if (head.fields_cut) call.partial |= partial_headers;
  pairing_.count_head(*exchange, size);
  keep_within_limits(sink);
  return in.exchange;
}

void Http1Session::take_fields(Call& call, HeaderList& into) {
  if (!fields_.empty() || !into.empty()) std::swap(into, fields_);
  call.headers_kept = call.headers_kept && keep_headers_;
}

void Http1Session::on_cut_head(Direction d, Partial why, CallSink& sink) {
  Stream& in = stream(d);
  Head head;
  const bool readable = parse_head(in.buffer, store(), head) != Parse::bad;
  const std::size_t target = head.start.method.size() + 1;
  const bool proven = request_side_ || (target < in.buffer.size() && in.buffer[target] == '/');
  const bool certain = readable && (head.start_complete || (proven && is_common_method(head.start.method)));
  if (certain && may_be_start(Parse::complete, head.start, d)) {
    learn_sides(head.start, d);
    if (!head.start.is_response) {
      open_request(head, in.buffer.size(), sink).call.partial |= why;
      (void)in.body.start({});
    } else if (head.start.status >= 200) {
      if (in.open) complete(d, in.last, sink);
      if (Exchange* exchange = open_response(head, in.buffer.size(), sink)) exchange->call.partial |= why;
      (void)in.body.start({});
    }
  }
  release_buffer(in);
}

void Http1Session::release_buffer(Stream& of) {
  if (of.buffer.capacity() > kept_buffer) {
    SecretString().swap(of.buffer);
  } else {
    wipe(of.buffer);
  }
}

}  // namespace subfloor::protocols::http1
