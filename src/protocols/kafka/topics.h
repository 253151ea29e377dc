// SPDX-License-Identifier: Apache-2.0
// Names of topics, and what is known of the ids that stand for them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace subfloor::protocols::kafka {

inline constexpr std::size_t topic_name_limit = 249;  // Kafka's own
inline constexpr std::size_t topic_ids_limit = 256;   // of one connection; then the oldest is forgotten

using TopicId = std::array<char, 16>;
[[nodiscard]] TopicId topic_id(std::string_view bytes);  // of 16 bytes
[[nodiscard]] bool is_set(const TopicId& id);            // zero stands for none
// As Kafka's tools print it: base64 for URLs, 22 characters.
[[nodiscard]] std::string_view to_text(const TopicId& id, std::array<char, 22>& text);

// Whether Kafka would let a topic be called so.
[[nodiscard]] bool is_topic_name(std::string_view text);

// Which name an id stands for, as responses of this connection told.
class TopicIds {
 public:
  void learn(const TopicId& id, std::string_view name);
  // Empty where that was not told.
  [[nodiscard]] std::string_view find(const TopicId& id) const;

 private:
  struct Entry {
    TopicId id;
    std::string name;
  };
  std::vector<Entry> entries_;
  std::size_t oldest_ = 0;  // once all places are taken
};

// What a message says of topics: how many different ones, and the first.
class Subject {
 public:
  void clear();
  void begin_topic() { current_named_ = current_has_id_ = false, current_partitions_ = 0; }
  void name(std::string_view name);
  void id(std::string_view bytes);
  void partition(std::int32_t index);
  void end_topic();

  // Of the topic that was begun last.
  [[nodiscard]] bool current_is_complete() const { return current_named_ && current_has_id_; }
  [[nodiscard]] std::string_view current_name() const { return {current_name_.data(), current_name_size_}; }
  [[nodiscard]] const TopicId& current_id() const { return current_id_; }

  [[nodiscard]] std::uint32_t topics() const { return topics_; }
  [[nodiscard]] bool named() const { return named_; }
  [[nodiscard]] const std::string& first_name() const { return name_; }
  [[nodiscard]] bool has_id() const { return has_id_; }
  [[nodiscard]] const TopicId& first_id() const { return id_; }
  [[nodiscard]] std::uint32_t partitions() const { return partitions_; }  // of the first topic
  [[nodiscard]] std::int32_t first_partition() const { return partition_; }

 private:
  bool named_ = false, has_id_ = false, current_named_ = false, current_has_id_ = false;
  std::uint8_t current_name_size_ = 0;
  std::uint32_t topics_ = 0, partitions_ = 0, current_partitions_ = 0;
  std::int32_t partition_ = 0, current_partition_ = 0;
  TopicId id_{}, current_id_{};
  std::string name_;
  std::array<char, topic_name_limit> current_name_{};
};

}  // namespace subfloor::protocols::kafka
