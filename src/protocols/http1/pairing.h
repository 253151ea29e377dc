// SPDX-License-Identifier: Apache-2.0
// Requests and responses of one connection, brought together in order. Knows nothing of bytes or framing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/call.h"
#include "protocols/session.h"

namespace subfloor::protocols::http1 {

inline constexpr Protocol protocol{"http1", &http_family};

inline constexpr std::size_t outstanding_limit = 256;               // requests without their response
inline constexpr std::size_t outstanding_bytes_limit = 256 * 1024;  // and bytes of their heads

// A call in the making.
struct Exchange {
  Call call;
  bool request_seen = false;     // false: a response that came without one
  bool request_done = false;
  bool response_begun = false;   // its final head, that is
  bool response_done = false;
  bool abandoned = false;        // a response whose request will not come
  bool unsure = false;           // bytes were lost among pipelined messages: whose response it got is not certain
  std::size_t head_bytes = 0;

  void clear();
};

// A ring of exchanges that keeps a few for reuse, so that a steady stream of calls allocates nothing.
class ExchangeQueue {
 public:
  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] Exchange& operator[](std::size_t i) { return *ring_[(first_ + i) & (ring_.size() - 1)]; }
  [[nodiscard]] const Exchange& operator[](std::size_t i) const { return *ring_[(first_ + i) & (ring_.size() - 1)]; }
  [[nodiscard]] Exchange& front() { return (*this)[0]; }
  [[nodiscard]] Exchange& back() { return (*this)[count_ - 1]; }

  void push(std::unique_ptr<Exchange> exchange);
  [[nodiscard]] std::unique_ptr<Exchange> pop();

 private:
  std::vector<std::unique_ptr<Exchange>> ring_;  // its size is a power of two
  std::size_t first_ = 0, count_ = 0;
};

class Pairing {
 public:
  // tell_clients: calls say who the client behind proxies is.
  explicit Pairing(bool joined_late, bool tell_clients = false)
      : tell_clients_(tell_clients), missing_(joined_late ? partial_joined_late : partial_lost) {}

  [[nodiscard]] bool tells_clients() const { return tell_clients_; }

  void set_kind(Kind kind) { kind_ = kind; }
  // Why a request or a response may not have been seen.
  void set_missing(Partial reason) { missing_ = reason; }

  // A request began at `start`. It takes the oldest response that has been held for want of a request, provided that
  // response is not older than the request itself. The reference stays good until the call is given away.
  [[nodiscard]] Exchange& begin_request(Nanoseconds start, CallSink& sink);
  // A final response began at `first_byte`: the exchange it belongs to, one of its own where no request is waiting, or
  // null where its request was given away already.
  [[nodiscard]] Exchange* begin_response(Nanoseconds first_byte, CallSink& sink);
  void finish_request(Exchange& exchange, CallSink& sink);
  void finish_response(Exchange& exchange, CallSink& sink);
  // Heads are counted against the memory bound.
  void count_head(Exchange& exchange, std::size_t bytes);

  // The limits are exceeded: drop_oldest() until they are not.
  [[nodiscard]] bool too_many() const {
    return waiting_.size() > 1 && (waiting_.size() > outstanding_limit || head_bytes_ > outstanding_bytes_limit);
  }
  [[nodiscard]] Exchange& oldest() { return waiting_.front(); }
  void drop_oldest(CallSink& sink);

  // The only request that waits, whole and without a response, to be answered by another protocol; null where it is not
  // certain which one that is.
  [[nodiscard]] std::unique_ptr<Call> take_only();

  // From here on nobody knows which response belongs to which of the waiting requests.
  void become_unsure();
  [[nodiscard]] bool unsure() const { return unsure_; }
  // The peer began a request after every answer it can be waiting for: gives the unsure ones away.
  void become_sure(CallSink& sink);

  // The oldest request without a complete response, or null.
  [[nodiscard]] Exchange* unanswered();
  [[nodiscard]] std::size_t unanswered_count() const;
  // When the youngest request began that waits; 0 where none does.
  [[nodiscard]] Nanoseconds youngest_start() { return waiting_.empty() ? 0 : waiting_.back().call.start; }

  // The end: gives away all that is left.
  void finish_all(Nanoseconds when, CallSink& sink);

 private:
  [[nodiscard]] std::unique_ptr<Exchange> fresh();
  void emit(std::unique_ptr<Exchange> exchange, CallSink& sink);
  void emit_finished(CallSink& sink);

  Kind kind_ = Kind::server;
  bool tell_clients_;
  Partial missing_;
  bool unsure_ = false;
  std::uint64_t dropped_ = 0;  // requests given away before their responses came, all older than those that wait
  std::size_t head_bytes_ = 0;
  ExchangeQueue waiting_;  // requests, in order
  ExchangeQueue held_;  // responses that came before their request; only the last may be unfinished
  std::vector<std::unique_ptr<Exchange>> spare_;
};

}  // namespace subfloor::protocols::http1
