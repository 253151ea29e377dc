// SPDX-License-Identifier: Apache-2.0
// A call in the making, and what its two messages say that is worth telling.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/call.h"
#include "protocols/kafka/message.h"
#include "protocols/kafka/topics.h"

namespace subfloor::protocols::kafka {

extern const Protocol protocol;

struct Exchange {
  Call call;
  std::int16_t key = 0, version = 0;
  std::int32_t correlation = 0;
  bool request_done = false;
  bool responding = false;   // its response has begun
  bool unanswered = false;   // Produce with acks=0: there is no response
  bool unconfirmed = false;  // found by searching, and not yet borne out by what came after
  bool missed = false;       // bytes of responses were lost since: its own may have been among them
  bool incremental = false;  // Fetch within a session: its topics are changes, not what is fetched
  bool group_is_no_group = false;
  bool last_topic = false;  // of the request was begun
  bool request_read = false, response_read = false;  // all that is wanted of them was there
  bool error_seen = false;
  bool codes_told = false;  // at least one error code was there
  std::int32_t acks = 0;
  bool acks_told = false;
  std::int16_t error = 0;  // the first that is not 0
  std::uint32_t groups = 0;
  std::string client, group;
  Subject asked, answered;  // topics of the request, and of the response where those count

  void clear();
  void forget_response();  // what was taken for one was none
  // Names of what it is about, the outcome, and the attributes: all that Call tells and the session did not fill in.
  void describe(const TopicIds& ids);

 private:
  void describe_topics(const TopicIds& ids);
};

// Writes down what a message says in an exchange.
class Collector final : public Visitor {
 public:
  enum class Side : std::uint8_t { request, response };

  // What responses tell of topic ids goes into `ids`, which may be null.
  void begin(Side side, Exchange& exchange, TopicIds* ids);
  // The message is over, or nothing wanted is to come.
  void finish();
  // Something was not as Kafka's clients and brokers write it: names with control characters, unknown error codes …
  [[nodiscard]] bool odd() const { return odd_; }

  void on_number(Role role, std::int64_t value) override;
  void on_text(Role role, std::string_view text) override;
  void on_id(std::string_view id) override;
  void on_element_begin(Role role, std::uint32_t left) override;
  void on_element_end(Role role) override;

 private:
  [[nodiscard]] Subject& subject() { return side_ == Side::request ? exchange_->asked : exchange_->answered; }
  void on_error(std::int16_t code);
  void on_group(std::string_view name);

  Side side_ = Side::request;
  bool odd_ = false;
  bool in_topic_ = false;
  Exchange* exchange_ = nullptr;
  TopicIds* ids_ = nullptr;
};

}  // namespace subfloor::protocols::kafka
