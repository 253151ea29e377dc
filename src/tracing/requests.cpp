// SPDX-License-Identifier: Apache-2.0
#include "tracing/requests.h"

namespace subfloor::tracing {

Request* Requests::begin(Process& process, std::uint32_t pid) {
  if (free_.empty()) {
    if (slots_.size() >= limit) return nullptr;
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  Request& request = slots_[slot];
  const std::uint32_t generation = request.generation + 1;
  request = {};
  request.generation = generation == 0 ? 1 : generation;
  request.open = true;
  request.pid = pid;
  request.next = process.first;
  if (process.first != Request::no_slot) slots_[process.first].previous = slot;
  process.first = slot;
  ++process.open;
  ++process.idle;
  return &request;
}

void Requests::add_call(Process& process, Request& request, bool certain) {
  request.doubtful = request.doubtful || !certain;
  if (request.calls++ == 0) --process.idle;
  if (request.calls > 1 && !request.doubtful) process.parallel = true;
  ++request.made;
}

void Requests::end_call(Process& process, Request& request) {
  if (request.calls == 0) return;
  if (--request.calls == 0) ++process.idle;
}

void Requests::end(Process& process, Request& request) {
  if (request.calls == 0) --process.idle;
  --process.open;
  if (request.next != Request::no_slot) slots_[request.next].previous = request.previous;
  (request.previous == Request::no_slot ? process.first : slots_[request.previous].next) = request.next;
  request.open = false;
  request.origin.reset();
  free_.push_back(handle_of(request).slot);
}

}  // namespace subfloor::tracing
