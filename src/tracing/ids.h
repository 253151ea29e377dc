// SPDX-License-Identifier: Apache-2.0
// Ids of traces and spans as numbers, and how they are written.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/connection.h"

namespace subfloor::tracing {

struct TraceId {
  std::uint64_t high = 0, low = 0;
  bool operator==(const TraceId&) const = default;
  [[nodiscard]] bool known() const { return (high | low) != 0; }
};

using SpanId = std::uint64_t;  // 0: none

// As W3C writes them: 32 and 16 lower case hex digits, to where there is room for them.
void write(const TraceId& id, char* digits);
void write(SpanId id, char* digits);
// Of digits as parse_traceparent() accepts them.
[[nodiscard]] TraceId read_trace_id(std::string_view digits);
[[nodiscard]] SpanId read_span_id(std::string_view digits);

// Makes ids nobody can guess the next of, and that no two agents share.
class Ids {
 public:
  Ids();
  explicit Ids(std::uint64_t seed);  // repeatable, for tests

  // Of a trace that nobody but its only call knows of.
  [[nodiscard]] TraceId trace();
  // Of a span nobody but itself knows of.
  [[nodiscard]] SpanId span();
  // Of the call whose request begins at that position of that end's stream: whoever knows these knows the id, before
  // the call is over and without asking anybody.
  [[nodiscard]] SpanId span_at(SocketKey key, std::uint32_t position) const;
  // Of the trace that such a call begins, where no other is known.
  [[nodiscard]] TraceId trace_at(SocketKey key, std::uint32_t position) const;

 private:
  std::uint64_t next_[3];
  std::uint64_t secret_[2];
};

}  // namespace subfloor::tracing
