// SPDX-License-Identifier: Apache-2.0
// The last calls, for whoever asks for one trace: as much of them as a tree of it shows, in a fixed amount of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/call.h"
#include "tracing/ids.h"

namespace subfloor::tracing {

struct KeptCall {
  SpanId span = 0, parent = 0;
  Nanoseconds start = 0, end = 0;  // CLOCK_MONOTONIC
  Kind kind = Kind::server;
  const Protocol* protocol = &no_protocol;
  std::uint32_t pid = 0;
  std::int32_t status = -1;  // -1: none seen
  std::uint8_t partial = partial_no;
  Address remote;
  std::string service, operation, target, error;  // target: of HTTP the path
};

class Store {
 public:
  // 0: keeps nothing.
  explicit Store(std::size_t bytes) : ring_(bytes < smallest ? 0 : bytes) {}

  [[nodiscard]] bool keeps() const { return !ring_.empty(); }
  // The call is redacted. The oldest make room.
  void add(const Observation& observation, const TraceId& trace, SpanId span, SpanId parent);
  // By when they began. Reads all that is kept.
  [[nodiscard]] std::vector<KeptCall> find(const TraceId& trace) const;
  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  static constexpr std::size_t smallest = std::size_t{64} << 10;
  struct Entry {
    TraceId trace;
    SpanId span, parent;
    Nanoseconds start, end;
    const Protocol* protocol;
    std::uint32_t pid;
    std::int32_t status;
    Address remote;
    Kind kind;
    std::uint8_t partial;
    std::uint8_t text[4];  // lengths of what follows
  };

  void drop_oldest();

  std::vector<char> ring_;
  std::size_t first_ = 0, next_ = 0;  // places of the oldest, and of the one to come
  std::size_t wrap_ = 0;              // where the last one before the end ends, while next_ is before first_
  std::size_t count_ = 0;
};

}  // namespace subfloor::tracing
