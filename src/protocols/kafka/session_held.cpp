// SPDX-License-Identifier: Apache-2.0
// Responses that are told of before their requests: two threads of a client write and read, and the one that writes is
// interrupted before its record is made.
#include <algorithm>
#include <utility>

#include "protocols/kafka/session.h"

namespace subfloor::protocols::kafka {
namespace {

constexpr std::size_t correlation_size = 4;
constexpr std::size_t held_limit = 4096;  // bytes of a response; what is wanted of it is at its beginning

}  // namespace

// One at a time: of those that no request claims, the youngest.
void KafkaSession::hold(Flow& in, std::int32_t correlation) {
  held_.emplace(Held{.correlation = correlation, .size = in.left, .first = in.first, .id = in.bytes});
  in.held = true;
}

void KafkaSession::hold_more(std::string_view bytes) {
  held_->head.append(bytes.substr(0, held_limit - held_->head.size()));
}

void KafkaSession::end_held(Nanoseconds end, CallSink& sink) {
  if (!held_ || held_->complete) return;
  held_->end = end;
  held_->complete = true;
  if (Exchange* const request = pairing_.find(held_->correlation)) answer_from_held(*request, sink);
}

// A response is no answer to a request that began after it.
void KafkaSession::answer_from_held(Exchange& request, CallSink& sink) {
  if (!held_ || !held_->complete || held_->correlation != request.correlation) return;
  const Held held = *std::exchange(held_, std::nullopt);
  if (request.call.start > held.first) return;
  request.call.request_end = std::min(request.call.request_end, held.first);  // it was on its way by then
  Flow again;
  again.side = Collector::Side::response;
  again.first = held.first;
  again.size = held.size + correlation_size;
  again.left = held.size;
  again.bytes = held.id;
  on_response_head(again, sink);
  const Segment segment{.bytes = held.head, .length = held.size, .begin = held.first, .end = held.end};
  take(again, held.head, held.head.size() == held.size, segment, sink);
  pass(again, held.size - held.head.size(), segment, sink);
  if (held.size == 0) on_end(again, true, segment, sink);
}

}  // namespace subfloor::protocols::kafka
