// SPDX-License-Identifier: Apache-2.0
#include "protocols/kafka/exchange.h"

#include <algorithm>
#include <array>
#include <utility>

#include "protocols/kafka/schema.h"

namespace subfloor::protocols::kafka {
namespace {

constexpr std::array<Family::Constant, 1> constants{{{"messaging.system", "kafka"}}};
constexpr Family family{.name = "kafka",
                        .operation_key = "messaging.operation.name",
                        .target_key = "messaging.destination.name",
                        .status_key = "",
                        .constants = constants,
                        .otel_duration_metric = {"", "messaging.client.operation.duration"}};

// OpenTelemetry's kinds of operations on messages; the other APIs are none of them.
std::string_view operation_type(int key) {
  switch (key) {
    case produce_key: return "send";
    case fetch_key: return "receive";
    case offset_commit_key: return "settle";
    default: return {};
  }
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<std::uint8_t>(c) >= 0x20 && c != 0x7f; });
}

}  // namespace

constinit const Protocol protocol{"kafka", &family};

void Exchange::clear() {
  call.clear();
  asked.clear();
  answered.clear();
  client.clear();
  group.clear();
  key = version = error = 0;
  correlation = acks = 0;
  groups = 0;
  request_done = responding = unanswered = unconfirmed = missed = incremental = group_is_no_group = false;
  last_topic = request_read = response_read = error_seen = codes_told = acks_told = false;
}

void Exchange::forget_response() {
  answered.clear();
  call.first_byte = 0;
  error = 0;
  responding = response_read = error_seen = codes_told = false;
}

void Exchange::describe(const TopicIds& ids) {
  const Api* const api = find_api(key);
  call.protocol = &protocol;
  if (api != nullptr) call.operation = api->name;
  AttributeList& attributes = call.attributes;
  if (api == nullptr) attributes.add("kafka.api.key", key);
  attributes.add("kafka.api.version", version);
  if (const std::string_view type = operation_type(key); !type.empty())
    attributes.add("messaging.operation.type", type, Use::metric);
  if (!client.empty()) attributes.add("messaging.client.id", client);
  if (groups == 1 && !group.empty()) attributes.add("messaging.consumer.group.name", group, Use::metric);
  if (acks_told) attributes.add("kafka.acks", acks);
  describe_topics(ids);
  if (error_seen) {
    const char* const name = error_name(error);
    call.status = error;
    call.error = name != nullptr ? name : std::to_string(error);
  } else if (response_read && codes_told) {
    call.status = 0;
  }
}

void Exchange::describe_topics(const TopicIds& ids) {
  const bool by_answer = key == fetch_key && (incremental || asked.topics() == 0);
  const Subject& about = by_answer ? answered : asked;
  const bool read = by_answer ? response_read : request_read;
  if (!read && (by_answer || !last_topic)) return;  // there may be more of them than were seen
  if (about.topics() > 1) return call.attributes.add("kafka.topic.count", about.topics());
  if (about.topics() == 0) return;
  if (about.named()) {
    call.target = about.first_name();
  } else if (about.has_id()) {
    call.target = ids.find(about.first_id());
    if (call.target.empty()) call.partial |= partial_context;
  }
  if (about.has_id()) {
    std::array<char, 22> text{};
    call.attributes.add("kafka.topic.id", to_text(about.first_id(), text));
  }
  if (read && about.partitions() == 1) call.attributes.add("messaging.destination.partition.id", std::to_string(about.first_partition()));
}

void Collector::begin(Side side, Exchange& exchange, TopicIds* ids) {
  side_ = side;
  exchange_ = &exchange;
  ids_ = ids;
  odd_ = in_topic_ = false;
}

void Collector::finish() {
  if (in_topic_) on_element_end(Role::topics);
}

void Collector::on_number(Role role, std::int64_t value) {
  switch (role) {
    case Role::acks:
      odd_ = odd_ || value < -1 || value > 1;
      exchange_->acks = static_cast<std::int32_t>(value);
      exchange_->acks_told = true;
      exchange_->unanswered = value == 0;
      return;
    case Role::partition:
      odd_ = odd_ || value < -1;
      return subject().partition(static_cast<std::int32_t>(value));
    case Role::error: return on_error(static_cast<std::int16_t>(value));
    case Role::session_epoch: exchange_->incremental = value > 0; return;
    case Role::key_type:
      exchange_->group_is_no_group = value != 0;
      if (value != 0) exchange_->group.clear();
      return;
    default: return;
  }
}

void Collector::on_error(std::int16_t code) {
  odd_ = odd_ || error_name(code) == nullptr;
  exchange_->codes_told = true;
  if (code == 0 || exchange_->error_seen) return;
  exchange_->error_seen = true;
  exchange_->error = code;
}

void Collector::on_text(Role role, std::string_view text) {
  switch (role) {
    case Role::client_id:
      odd_ = odd_ || !is_printable(text);
      exchange_->client = text;
      return;
    case Role::topic:
      odd_ = odd_ || !is_topic_name(text);
      return subject().name(text);
    case Role::group: return on_group(text);
    default: return;
  }
}

void Collector::on_group(std::string_view name) {
  odd_ = odd_ || !is_printable(name);
  if (exchange_->group_is_no_group) return;
  if (exchange_->groups++ == 0) exchange_->group = name;
}

void Collector::on_id(std::string_view id) { subject().id(id); }

void Collector::on_element_begin(Role, std::uint32_t left) {
  // Of these two all topics are in one array.
  if (side_ == Side::request && (exchange_->key == produce_key || exchange_->key == fetch_key))
    exchange_->last_topic = left == 1;
  in_topic_ = true;
  subject().begin_topic();
}

void Collector::on_element_end(Role) {
  in_topic_ = false;
  Subject& topics = subject();
  if (side_ == Side::response && ids_ != nullptr && topics.current_is_complete())
    ids_->learn(topics.current_id(), topics.current_name());
  topics.end_topic();
}

}  // namespace subfloor::protocols::kafka
