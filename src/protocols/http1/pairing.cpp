// SPDX-License-Identifier: Apache-2.0
#include "protocols/http1/pairing.h"

#include <algorithm>
#include <utility>

#include "model/http.h"

namespace subfloor::protocols::http1 {
namespace {

constexpr std::size_t spare_limit = 2;
constexpr std::size_t spare_bytes_limit = 8 * 1024;  // an exchange that had larger heads is not kept

}  // namespace

void Exchange::clear() {
  call.clear();
  request_seen = request_done = response_begun = response_done = abandoned = unsure = false;
  head_bytes = 0;
}

void ExchangeQueue::push(std::unique_ptr<Exchange> exchange) {
  if (count_ == ring_.size()) {
    std::vector<std::unique_ptr<Exchange>> larger(std::max<std::size_t>(2, ring_.size() * 2));
    for (std::size_t i = 0; i < count_; ++i) larger[i] = std::move(ring_[(first_ + i) & (ring_.size() - 1)]);
    ring_ = std::move(larger);
    first_ = 0;
  }
  ring_[(first_ + count_++) & (ring_.size() - 1)] = std::move(exchange);
}

std::unique_ptr<Exchange> ExchangeQueue::pop() {
  std::unique_ptr<Exchange> exchange = std::move(ring_[first_]);
  first_ = (first_ + 1) & (ring_.size() - 1);
  --count_;
  return exchange;
}

std::unique_ptr<Exchange> Pairing::fresh() {
  if (spare_.empty()) return std::make_unique<Exchange>();
  std::unique_ptr<Exchange> exchange = std::move(spare_.back());
  spare_.pop_back();
  exchange->clear();
  return exchange;
}

void Pairing::emit(std::unique_ptr<Exchange> exchange, CallSink& sink) {
  Call& call = exchange->call;
  call.protocol = &protocol;
  call.kind = kind_;
  if (exchange->unsure) {
    call.status.reset();
    call.response_headers.clear();
    call.first_byte = call.response_body_bytes = 0;
    call.partial |= missing_;
  }
  if (!exchange->request_seen) {
    call.partial |= missing_;
    call.start = call.first_byte;
  }
  if (tell_clients_) add_client_address(call);
  sink.on_call(call);
  head_bytes_ -= exchange->head_bytes;
  if (spare_.size() < spare_limit && exchange->head_bytes <= spare_bytes_limit) spare_.push_back(std::move(exchange));
}

void Pairing::emit_finished(CallSink& sink) {
  while (!waiting_.empty() && waiting_.front().request_done && waiting_.front().response_done) {
    emit(waiting_.pop(), sink);
  }
}

Exchange& Pairing::begin_request(Nanoseconds start, CallSink& sink) {
  while (!held_.empty()) {
    Exchange& response = held_.front();
    if (!response.abandoned && start <= response.call.first_byte) {
      response.request_seen = true;
      response.unsure = unsure_;
      waiting_.push(held_.pop());
      return response;
    }
    if (!response.response_done) {
      response.abandoned = true;  // given away when it ends
      break;
    }
    emit(held_.pop(), sink);
  }
  waiting_.push(fresh());
  Exchange& request = waiting_.back();
  request.request_seen = true;
  request.unsure = unsure_;
  return request;
}

Exchange* Pairing::begin_response(Nanoseconds first_byte, CallSink& sink) {
  if (dropped_ > 0) {
    --dropped_;
    return nullptr;
  }
  Exchange* exchange = unanswered();
  if (!exchange || exchange->response_begun || exchange->call.start > first_byte) {
    if (held_.size() >= outstanding_limit || head_bytes_ > outstanding_bytes_limit) {
      if (!held_.empty()) emit(held_.pop(), sink);
    }
    held_.push(fresh());
    exchange = &held_.back();
  }
  exchange->response_begun = true;
  exchange->call.first_byte = first_byte;
  return exchange;
}

void Pairing::finish_request(Exchange& exchange, CallSink& sink) {
  exchange.request_done = true;
  emit_finished(sink);
}

void Pairing::finish_response(Exchange& exchange, CallSink& sink) {
  exchange.response_done = true;
  if (exchange.abandoned) {
    emit(held_.pop(), sink);  // only the last can be unfinished, and those before it were given away
  } else {
    emit_finished(sink);
  }
}

void Pairing::count_head(Exchange& exchange, std::size_t bytes) {
  exchange.head_bytes += bytes;
  head_bytes_ += bytes;
}

void Pairing::drop_oldest(CallSink& sink) {
  std::unique_ptr<Exchange> exchange = waiting_.pop();
  if (!exchange->response_begun) ++dropped_;
  exchange->call.partial |= partial_lost;
  exchange->call.end = std::max(exchange->call.end, exchange->call.request_end);
  emit(std::move(exchange), sink);
}

std::unique_ptr<Call> Pairing::take_only() {
  if (unsure_ || waiting_.size() != 1 || !held_.empty()) return nullptr;
  if (!waiting_.front().request_done || waiting_.front().response_begun) return nullptr;
  const std::unique_ptr<Exchange> exchange = waiting_.pop();
  head_bytes_ -= exchange->head_bytes;
  exchange->call.kind = kind_;
  return std::make_unique<Call>(std::move(exchange->call));
}

void Pairing::become_unsure() {
  unsure_ = true;
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    if (!waiting_[i].response_begun) waiting_[i].unsure = true;
  }
}

void Pairing::become_sure(CallSink& sink) {
  unsure_ = false;
  dropped_ = 0;
  while (!waiting_.empty()) {
    waiting_.front().call.partial |= partial_lost;
    waiting_.front().call.end = std::max(waiting_.front().call.end, waiting_.front().call.request_end);
    emit(waiting_.pop(), sink);
  }
}

Exchange* Pairing::unanswered() {
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    if (!waiting_[i].response_done) return &waiting_[i];
  }
  return nullptr;
}

std::size_t Pairing::unanswered_count() const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < waiting_.size(); ++i) count += waiting_[i].response_done ? 0 : 1;
  return count;
}

void Pairing::finish_all(Nanoseconds when, CallSink& sink) {
  while (!held_.empty()) emit(held_.pop(), sink);
  while (!waiting_.empty()) {
    Call& call = waiting_.front().call;
    if (!waiting_.front().response_begun) {
      call.partial |= partial_no_response;
      call.end = when;
    }
    emit(waiting_.pop(), sink);
  }
}

}  // namespace subfloor::protocols::http1
