// SPDX-License-Identifier: Apache-2.0
// How calls end: as their streams do, by a reset, by loss, by the close of the connection.
#include <algorithm>
#include <string>

#include "model/http.h"
#include "protocols/http2/calls.h"
#include "protocols/http2/frame.h"

namespace subfloor::protocols::http2 {
namespace {

constexpr Nanoseconds patience = 30'000'000'000;  // with a stream that may have ended among bytes that were lost

std::uint8_t unfinished(const Stream& stream) {
  if (stream.response.doubtful || stream.response.broken) return partial_lost;
  return stream.response.begun ? partial_cut_short : partial_no_response;
}

}  // namespace

void Calls::on_end_stream(Direction d, std::uint32_t id, Nanoseconds end, CallSink& sink) {
  Stream* const stream = request_side_ ? streams_.find(id) : nullptr;
  if (stream == nullptr) return;
  Half& in = half(*stream, d);
  if (!in.begun || in.done) return;
  in.done = true;
  stream->last = end;
  (is_request(d) ? stream->call.request_end : stream->call.end) = end;
  give_if_whole(*stream, sink);
}

// A request whose end was lost is over when its response is; one that did not come before a later one never comes.
bool Calls::is_whole(const Stream& stream) const {
  if (!stream.response.done) return false;
  if (stream.request.begun) return stream.request.done || stream.request.doubtful;
  return stream.id < last_request_;
}

void Calls::give_if_whole(Stream& stream, CallSink& sink) {
  if (is_whole(stream)) give(stream, sink);
}

void Calls::settle_held(std::uint32_t before, CallSink& sink) {
  if (held_ == 0) return;
  last_request_ = std::max(last_request_, before);
  for (std::size_t i = 0; i < streams_.size() && streams_[i].id < before;) {
    Stream& stream = streams_[i];
    if (!stream.request.begun && stream.response.done) {
      give(stream, sink);
    } else {
      ++i;
    }
  }
}

void Calls::on_reset(Direction d, std::uint32_t id, std::optional<std::uint32_t> code, Nanoseconds end,
                     CallSink& sink) {
  Stream* const stream = request_side_ ? streams_.find(id) : nullptr;
  if (stream == nullptr) return;
  if (stream->response.done) return give(*stream, sink);  // the rest of the request is not wanted
  remember(id);
  if (!code) return abandon(*stream, partial_lost, end, sink);
  if (*code == 0) return abandon(*stream, unfinished(*stream), end, sink);
  stream->reset = error_name(*code).empty() ? "_OTHER" : error_name(*code);
  stream->reset_by_client = is_request(d);
  abandon(*stream, partial_no, end, sink);
}

void Calls::on_goaway(Direction d, std::uint32_t last, std::uint32_t code, Nanoseconds end, CallSink& sink) {
  if (!request_side_ || is_request(d)) return;
  while (streams_.size() > 0 && streams_[streams_.size() - 1].id > last) {
    Stream& stream = streams_[streams_.size() - 1];
    remember(stream.id);
    if (stream.response.done) {
      give(stream, sink);
      continue;
    }
    const std::string_view name = error_name(code);
    stream.reset = code == 0 || name.empty() ? "GOAWAY" : name;
    abandon(stream, partial_no, end, sink);
  }
}

void Calls::on_lost(Direction d) {
  missing_ = partial_lost;
  if (!request_side_ || is_request(d)) may_miss_requests_ = true;
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    Stream& stream = streams_[i];
    for (Half* each : {&stream.request, &stream.response}) {  // a reset may come from either side
      if (!each->done) each->doubtful = true;
    }
    Half& in = half(stream, d);
    if (in.done || !in.begun) continue;
    in.broken = true;
    in.messages.forget();
    stream.call.partial |= partial_lost;
  }
}

void Calls::on_tick(Nanoseconds now, CallSink& sink) {
  for (std::size_t i = 0; i < streams_.size();) {
    Stream& stream = streams_[i];
    if (stream.response.doubtful && now > stream.last + patience) {
      remember(stream.id);
      abandon(stream, partial_lost, stream.last, sink);
    } else {
      ++i;
    }
  }
  streams_.shrink();
}

void Calls::on_close(Nanoseconds when, CallSink& sink) {
  while (streams_.size() > 0) {
    Stream& stream = streams_[0];
    if (stream.response.done) {
      give(stream, sink);
    } else {
      abandon(stream, unfinished(stream), stream.response.begun ? stream.last : when, sink);
    }
  }
}

void Calls::abandon(Stream& stream, std::uint8_t why, Nanoseconds end, CallSink& sink) {
  stream.call.partial |= why;
  stream.call.end = end;
  give(stream, sink);
}

void Calls::give(Stream& stream, CallSink& sink) {
  Call& call = stream.call;
  call.protocol = &protocol;
  call.kind = is_server() ? Kind::server : Kind::client;
  if (!stream.request.begun) {
    if (held_ > 0) --held_;
    call.partial |= missing_;
    call.start = call.first_byte;
  }
  settle(stream);
  sink.on_call(call);
  streams_.erase(stream);
}

void Calls::settle(Stream& stream) {
  Call& call = stream.call;
  if (plan_.forwarding) add_client_address(call);
  if (!stream.grpc && !stream.grpc_status) {
    call.error.assign(stream.reset);
    if (stream.response.begun && !call.status && call.partial == partial_no) call.partial |= partial_context;
    return;
  }
  if (stream.trailers_uncertain && !stream.grpc_status) call.partial |= partial_context;
  const auto add_count = [&](std::string_view key, const Half& of) {
    if (const auto count = of.messages.count(); count && of.begun && !of.doubtful && !of.broken)
      call.attributes.add(key, static_cast<std::int64_t>(*count));
  };
  add_count("grpc.request.messages", stream.request);
  add_count("grpc.response.messages", stream.response);
  const bool certain = (call.partial & (partial_context | partial_lost | partial_joined_late)) == 0;
  grpc::settle(call, {stream.grpc_status, stream.reset, stream.reset_by_client, stream.response.done, certain});
  if (!call.status && call.error.empty() && call.partial == partial_no)
    call.partial |= stream.response.begun ? partial_cut_short : partial_no_response;
}

}  // namespace subfloor::protocols::http2
