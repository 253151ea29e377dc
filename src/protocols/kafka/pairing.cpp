// SPDX-License-Identifier: Apache-2.0
#include "protocols/kafka/pairing.h"

#include <algorithm>
#include <utility>

namespace subfloor::protocols::kafka {
namespace {

constexpr std::size_t spare_limit = 4;

}  // namespace

Pairing::Place Pairing::place_of(const Exchange& exchange) {
  return std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& each) { return each.get() == &exchange; });
}

std::unique_ptr<Exchange> Pairing::remove(Place place) {
  std::unique_ptr<Exchange> exchange = std::move(*place);
  waiting_.erase(place);
  return exchange;
}

void Pairing::keep_for_reuse(std::unique_ptr<Exchange> exchange) {
  if (spare_.size() < spare_limit) spare_.push_back(std::move(exchange));
}

Exchange& Pairing::open(CallSink& sink) {
  if (waiting_.size() >= outstanding_limit) {
    const auto idle = std::find_if(waiting_.begin(), waiting_.end(),
                                   [](const auto& each) { return each->request_done && !each->responding; });
    if (idle != waiting_.end()) give_up(**idle, partial_lost, sink);
  }
  if (spare_.empty()) {
    waiting_.push_back(std::make_unique<Exchange>());
  } else {
    waiting_.push_back(std::move(spare_.back()));
    spare_.pop_back();
    waiting_.back()->clear();
  }
  return *waiting_.back();
}

Exchange* Pairing::find(std::int32_t correlation) {
  for (const auto& each : waiting_) {
    if (each->correlation == correlation && each->request_done && !each->responding && !each->unanswered)
      return each.get();
  }
  return nullptr;
}

std::size_t Pairing::waiting() const {
  return static_cast<std::size_t>(
      std::count_if(waiting_.begin(), waiting_.end(), [](const auto& each) { return !each->unanswered; }));
}

void Pairing::give(std::unique_ptr<Exchange> exchange, CallSink& sink) {
  exchange->describe(ids_);
  exchange->call.kind = kind_;
  sink.on_call(exchange->call);
  keep_for_reuse(std::move(exchange));
}

void Pairing::finish(Exchange& exchange, CallSink& sink) {
  while (waiting_.front().get() != &exchange && waiting_.front()->missed) {
    if (waiting_.front()->unanswered) break;
    give_up(*waiting_.front(), missing_, sink);
  }
  give(remove(place_of(exchange)), sink);
}

void Pairing::give_up(Exchange& exchange, std::uint8_t partial, CallSink& sink) {
  std::unique_ptr<Exchange> removed = remove(place_of(exchange));
  if (removed->unconfirmed) return keep_for_reuse(std::move(removed));
  Call& call = removed->call;
  call.partial |= partial;
  call.end = std::max({call.end, call.request_end, call.start});
  give(std::move(removed), sink);
}

void Pairing::drop(Exchange& exchange) { keep_for_reuse(remove(place_of(exchange))); }

void Pairing::confirm(CallSink& sink) {
  for (std::size_t i = 0; i < waiting_.size();) {
    Exchange& exchange = *waiting_[i];
    const bool over = exchange.unconfirmed && exchange.unanswered && exchange.request_done;
    exchange.unconfirmed = false;
    if (over) {
      give(remove(waiting_.begin() + static_cast<std::ptrdiff_t>(i)), sink);
    } else {
      ++i;
    }
  }
}

void Pairing::drop_unconfirmed() {
  for (std::size_t i = 0; i < waiting_.size();) {
    if (waiting_[i]->unconfirmed) {
      drop(*waiting_[i]);
    } else {
      ++i;
    }
  }
}

void Pairing::mark_missed() {
  for (const auto& each : waiting_) each->missed = !each->unanswered;
}

void Pairing::finish_all(Nanoseconds when, CallSink& sink) {
  while (!waiting_.empty()) {
    Exchange& exchange = *waiting_.front();
    exchange.call.end = when;
    std::uint8_t partial = exchange.responding ? partial_cut_short : partial_no_response;
    if (exchange.missed) partial |= missing_;
    give_up(exchange, partial, sink);
  }
}

}  // namespace subfloor::protocols::kafka
