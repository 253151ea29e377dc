// SPDX-License-Identifier: Apache-2.0
// Requests that wait for their responses, matched by correlation id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "protocols/kafka/exchange.h"
#include "protocols/session.h"

namespace subfloor::protocols::kafka {

inline constexpr std::size_t outstanding_limit = 256;

class Pairing {
 public:
  explicit Pairing(bool joined_late) : missing_(joined_late ? partial_joined_late : partial_lost) {}

  void set_kind(Kind kind) { kind_ = kind; }
  void set_missing(Partial reason) { missing_ = reason; }

  // Beyond the limit the oldest that waits is given away without its response. The reference is good until the call is given.
  [[nodiscard]] Exchange& open(CallSink& sink);
  // The oldest with that id whose request is complete and has no response yet, or null.
  [[nodiscard]] Exchange* find(std::int32_t correlation);
  [[nodiscard]] bool any_waiting() const { return !waiting_.empty(); }
  [[nodiscard]] std::size_t waiting() const;
  [[nodiscard]] const TopicIds& topic_ids() const { return ids_; }
  [[nodiscard]] TopicIds& topic_ids() { return ids_; }

  // Its response is complete, or there is none. Requests before it whose responses may have been missed were: the
  // broker answers in order.
  void finish(Exchange& exchange, CallSink& sink);
  // As it is, without a response.
  void give_up(Exchange& exchange, std::uint8_t partial, CallSink& sink);
  void drop(Exchange& exchange);

  // What was found by searching is borne out, or was no request of Kafka's at all.
  void confirm(CallSink& sink);
  void drop_unconfirmed();
  // Bytes of responses were lost: those of all that wait may have been among them.
  void mark_missed();
  void finish_all(Nanoseconds when, CallSink& sink);

 private:
  using Place = std::vector<std::unique_ptr<Exchange>>::iterator;
  [[nodiscard]] Place place_of(const Exchange& exchange);
  void give(std::unique_ptr<Exchange> exchange, CallSink& sink);
  void keep_for_reuse(std::unique_ptr<Exchange> exchange);
  [[nodiscard]] std::unique_ptr<Exchange> remove(Place place);

  Kind kind_ = Kind::server;
  Partial missing_;
  std::vector<std::unique_ptr<Exchange>> waiting_;  // in order of their requests
  std::vector<std::unique_ptr<Exchange>> spare_;
  TopicIds ids_;
};

}  // namespace subfloor::protocols::kafka
