// SPDX-License-Identifier: Apache-2.0
// How messages of Kafka are laid out, as data: which fields follow each other in which versions, and what of them
// Subfloor wants to know.
#pragma once

#include <cstdint>
#include <span>

namespace subfloor::protocols::kafka {

enum class Type : std::uint8_t {
  int8,
  int16,
  int32,
  int64,
  uuid,
  string,        // compact in flexible versions; null where its length is negative
  plain_string,  // never compact
  bytes,
  array,  // of structures: fields until its `end`, which have tagged fields behind them in flexible versions
  list,   // of the one field that follows, until its `end`
  end,
  rest,  // nothing of what follows is described
};

// What a field means to us. Those with `none` are passed over.
enum class Role : std::uint8_t {
  none,
  client_id,
  acks,
  topics,  // of an array or a list: each element is about one topic
  topic,
  topic_id,
  partition,
  error,
  group,
  key_type,  // what the keys of FindCoordinator are: 0 for groups
  session_epoch,
};

struct Field {
  Type type;
  Role role = Role::none;
  std::uint8_t from = 0;  // versions that have it
  std::uint8_t to = 255;

  [[nodiscard]] constexpr bool in(int version) const { return version >= from && version <= to; }
};

using Schema = std::span<const Field>;

struct Api {
  const char* name;
  std::uint8_t last_version;    // that is known
  std::uint8_t first_flexible;  // version; `never` where there is none
  Schema request, response;     // empty: without fields
};

inline constexpr std::uint8_t never = 255;

// Null where no API has that key.
[[nodiscard]] const Api* find_api(int key);

// Keys that are treated in ways of their own.
inline constexpr int produce_key = 0, fetch_key = 1, controlled_shutdown_key = 7, offset_commit_key = 8,
                     sasl_handshake_key = 17, api_versions_key = 18;
// All keys are below.
inline constexpr int keys_end = 93;

// Kafka's name of an error code; null where it is not known.
[[nodiscard]] const char* error_name(int code);

}  // namespace subfloor::protocols::kafka
