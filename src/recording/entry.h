// SPDX-License-Identifier: Apache-2.0
// Entries: what is in the blocks, in the order in which the agent that recorded met it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "model/process.h"

namespace subfloor::recording {

enum class EntryKind : std::uint8_t {
  record = 1,        // of the kernel, as it was
  process = 2,       // who a pid was, as the records after this one are told
  tick = 3,          // a second has passed; and what time it is
  census_begins = 4, // the sockets there are follow: after losses
  census_ends = 5,
  stop = 6,          // unfinished calls were given
};

// What tick, the census and the stop carry: one moment on both clocks.
struct Moment {
  Nanoseconds monotonic = 0;
  Nanoseconds unix_time = 0;
};

struct Entry {
  EntryKind kind = EntryKind::record;
  std::span<const std::byte> content;  // valid until the next entry is read
};

inline constexpr std::size_t largest_entry = std::size_t{64} << 10;

void append_entry(std::string& block, EntryKind kind, std::span<const std::byte> content);
// Takes the first entry off the block; nothing where it is not one.
[[nodiscard]] std::optional<Entry> take_entry(std::span<const std::byte>& block);

[[nodiscard]] std::string encode(const Process& process);
[[nodiscard]] std::optional<Process> decode_process(std::span<const std::byte> content);

[[nodiscard]] std::string encode(const Moment& moment);
[[nodiscard]] std::optional<Moment> decode_moment(std::span<const std::byte> content);

}  // namespace subfloor::recording
