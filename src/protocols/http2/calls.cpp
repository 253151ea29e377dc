// SPDX-License-Identifier: Apache-2.0
// Streams as they begin and go on. How they end: calls_ends.cpp.
#include "protocols/http2/calls.h"

#include <algorithm>
#include <utility>

#include "model/http.h"

namespace subfloor::protocols::http2 {
namespace {

constexpr std::size_t header_limit_limit = 64 * 1024;

}  // namespace

Calls::Calls(const Options& options)
    : plan_{options.keep_headers, options.extras.forwarded_for, std::min(options.header_limit, header_limit_limit)},
      may_miss_requests_(options.joined_late),
      missing_(options.joined_late ? partial_joined_late : partial_lost),
      kind_(options.kind) {
  if (options.request == nullptr) return;
  // It asked for an upgrade, and is answered on stream 1.
  request_side_ = options.request->kind == Kind::server ? Direction::inbound : Direction::outbound;
  Stream& stream = streams_.insert(1);
  stream.call = std::move(*options.request);
  stream.call.version = "2";
  stream.request.begun = stream.request.done = true;
  stream.last = stream.call.request_end;
  last_request_ = 1;
}

// A block whose pseudo headers are all unknown tells nothing; then who connected does.
void Calls::learn_side(Direction d, const HeaderBlock& block) {
  if (request_side_) return;
  if (block.status) {
    request_side_ = opposite(d);
  } else if (block.has_request_fields) {
    request_side_ = d;
  } else if (kind_) {
    request_side_ = *kind_ == Kind::server ? Direction::inbound : Direction::outbound;
  }
}

void Calls::on_headers(Direction d, std::uint32_t id, bool end_stream, HeaderBlock& block, const Segment& first,
                       Nanoseconds end, CallSink& sink) {
  if (id % 2 == 0) return;  // pushed
  learn_side(d, block);
  if (!request_side_ || (is_request(d) ? block.status.has_value() : block.has_request_fields)) return;
  Stream* stream = streams_.find(id);
  if (is_request(d)) {
    on_request(stream, id, block, first, end, sink);
  } else {
    if (block.status && *block.status < 200 && !end_stream) {  // interim: the request still waits for its answer
      if (stream != nullptr) stream->last = end;
      return;
    }
    stream = on_response(stream, id, block, first, end, sink);
    if (stream == nullptr) return;
    const int status = stream->call.status.value_or(0);
    if (stream->connect && status / 100 == 2) {  // what follows is the tunnel's
      stream->request.done = stream->response.done = true;
      stream->call.end = end;
      if (stream->call.request_end == 0) stream->call.request_end = stream->call.start;
      return give(*stream, sink);
    }
  }
  if (end_stream) on_end_stream(d, id, end, sink);
}

void Calls::on_request(Stream* stream, std::uint32_t id, HeaderBlock& block, const Segment& first, Nanoseconds end,
                       CallSink& sink) {
  if (stream == nullptr || !stream->request.begun) {
    if (id <= last_request_ && (stream == nullptr || !block.has_request_fields))
      return;  // over, or a request's trailers
    if (!block.has_request_fields && !block.uncertain) return;  // trailers of a request that was not seen
    if (stream == nullptr) stream = &open(id, sink);
    settle_held(id, sink);
    last_request_ = std::max(last_request_, id);
    begin_request(*stream, block, first);
    stream->call.stream = id;
    sink.on_request(stream->call, is_server() ? Kind::server : Kind::client);
  }
  stream->last = end;
  stream->request.doubtful = false;
}

void Calls::begin_request(Stream& stream, HeaderBlock& block, const Segment& first) {
  if (stream.response.begun && held_ > 0) --held_;
  stream.request.begun = true;
  Call& call = stream.call;
  call.start = is_server() ? first.end : first.begin;
  call.pid = first.pid;
  call.tid = first.tid;
  call.position = first.position;
  call.version = "2";
  call.operation.assign(block.method);
  const bool authority_form = block.method == "CONNECT" && !block.has_protocol;
  if (authority_form) {
    call.path.assign(block.authority);
  } else {
    const HttpTarget target = split_target({}, block.path);
    call.path.assign(target.path);
    call.query.assign(target.query);
  }
  stream.connect = block.method == "CONNECT";
  stream.grpc = stream.grpc || block.grpc;
  take_fields(block, call, call.request_headers);
  if (!block.authority.empty() && !call.request_headers.find("host")) call.request_headers.add("host", block.authority);
  streams_.count_head(stream, block.bytes + block.path.size() + block.authority.size() + block.method.size());
}

Stream* Calls::on_response(Stream* stream, std::uint32_t id, HeaderBlock& block, const Segment& first, Nanoseconds end,
                           CallSink& sink) {
  if (stream == nullptr) {
    const bool over = id <= last_request_ && !may_miss_requests_;
    if (over || was_told(id) || (!block.status && !block.uncertain && !block.grpc_status)) return nullptr;
    stream = &open(id, sink);
    ++held_;
  }
  // The first block that has a status is the head; without one it may still be, if something of it is unknown.
  const bool head = block.status ? !stream->call.status : !stream->response.begun && block.uncertain;
  if (head) {
    begin_response(*stream, block, first);
  } else {
    if (!stream->response.begun) {  // so its head was not seen
      begin_response(*stream, block, first);
      stream->call.partial |= missing_;
    }
    add_trailers(*stream, block);
  }
  stream->last = end;
  stream->response.doubtful = false;
  return stream;
}

void Calls::begin_response(Stream& stream, HeaderBlock& block, const Segment& first) {
  Call& call = stream.call;
  stream.response.begun = true;
  call.first_byte = is_server() ? first.begin : first.end;
  call.status = block.status;
  if (call.pid == 0) {
    call.pid = first.pid;
    call.tid = first.tid;
  }
  if (call.version.empty()) call.version = "2";
  stream.grpc = stream.grpc || block.grpc;
  add_trailers(stream, block);
  take_fields(block, call, call.response_headers);
  streams_.count_head(stream, block.bytes);
}

void Calls::add_trailers(Stream& stream, const HeaderBlock& block) {
  if (block.grpc_status) stream.grpc_status = block.grpc_status;
  stream.trailers_uncertain = block.uncertain;
  if (block.lost) stream.call.partial |= partial_lost;
}

void Calls::take_fields(HeaderBlock& block, Call& call, HeaderList& into) {
  std::swap(into, block.fields);
  call.headers_kept = call.headers_kept && plan_.keep_all;
  if (block.cut) call.partial |= partial_headers;
  if (block.lost) call.partial |= partial_lost;
  if (block.uncertain && !block.lost) call.partial |= partial_context;
}

void Calls::on_data(Direction d, std::uint32_t id, std::string_view bytes, std::uint64_t length, Nanoseconds end) {
  Stream* const stream = request_side_ ? streams_.find(id) : nullptr;
  if (stream == nullptr) return;
  Half& in = half(*stream, d);
  if (!in.begun) {  // its head was lost
    if (is_request(d) || !in.doubtful) return;
    in.begun = true;
    stream->call.partial |= partial_lost;
  }
  stream->last = end;
  in.doubtful = false;
  (is_request(d) ? stream->call.request_body_bytes : stream->call.response_body_bytes) += length;
  if (!stream->grpc) return in.messages.forget();
  in.messages.take(bytes);
  if (length > bytes.size()) in.messages.pass(length - bytes.size());
}

std::uint64_t Calls::unneeded(Direction d, std::uint32_t id, std::uint64_t left) {
  Stream* const stream = request_side_ ? streams_.find(id) : nullptr;
  if (stream == nullptr || !stream->grpc) return left;
  return std::min(left, half(*stream, d).messages.left());
}

Stream& Calls::open(std::uint32_t id, CallSink& sink) {
  Stream& stream = streams_.insert(id);
  while (streams_.too_many()) {
    Stream& oldest = &streams_[0] == &stream ? streams_[1] : streams_[0];
    dropped_up_to_ = std::max(dropped_up_to_, oldest.id);
    abandon(oldest, partial_lost, std::max(oldest.last, oldest.call.end), sink);
  }
  return stream;
}

bool Calls::was_told(std::uint32_t id) const {
  return id <= dropped_up_to_ || std::find(told_.begin(), told_.end(), id) != told_.end();
}

void Calls::remember(std::uint32_t id) {
  told_[told_next_] = id;
  told_next_ = (told_next_ + 1) % told_.size();
}

std::size_t Calls::active(Kind kind) const {
  if (!request_side_ || (kind == Kind::server) != is_server()) return 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < streams_.size(); ++i)
    count += streams_[i].request.begun && !streams_[i].response.done ? 1 : 0;
  return count;
}

}  // namespace subfloor::protocols::http2
