// SPDX-License-Identifier: Apache-2.0
// Trace context in request headers: W3C traceparent and tracestate, B3 in one header, B3 in several; and new ids.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/call.h"

namespace subfloor {

struct TraceContext {
  enum class Sampling : std::uint8_t { undecided, no, yes, debug };

  std::array<char, 32> trace_digits{};  // lower-case hex; all NUL where the caller sent a decision and no ids
  std::array<char, 16> span_digits{};
  Sampling sampling = Sampling::undecided;
  std::string state;                    // tracestate as received, members joined by ','; empty where none or invalid

  [[nodiscard]] bool has_ids() const { return trace_digits[0] != '\0'; }
  [[nodiscard]] std::string_view trace_id() const { return {trace_digits.data(), has_ids() ? trace_digits.size() : 0}; }
  // Of the span that made the call: the parent of whatever serves it.
  [[nodiscard]] std::string_view span_id() const { return {span_digits.data(), has_ids() ? span_digits.size() : 0}; }
};

// Strictly as the W3C recommendation says: versions 00 to fe, lower case, no all-zero ids. Nothing where it is invalid.
[[nodiscard]] std::optional<TraceContext> parse_traceparent(std::string_view value);
// Is this a tracestate that may be handed on: at most 32 members and 512 bytes, valid keys and values, no key twice?
[[nodiscard]] bool valid_tracestate(std::string_view value);
// "{trace}-{span}[-{sampled}[-{parent}]]", or a decision alone: "0", "1", "d".
[[nodiscard]] std::optional<TraceContext> parse_b3(std::string_view value);

// The context a request carries: the first valid one of traceparent, b3, X-B3-*.
[[nodiscard]] std::optional<TraceContext> extract_trace_context(const HeaderList& headers);

// Makes random ids, never zero. Not for secrets: xoshiro256**, seeded by the kernel.
class IdGenerator {
 public:
  using TraceId = std::array<char, 32>;
  using SpanId = std::array<char, 16>;

  IdGenerator();
  explicit IdGenerator(std::uint64_t seed);  // repeatable, for tests

  [[nodiscard]] TraceId trace_id();
  [[nodiscard]] SpanId span_id();
  [[nodiscard]] std::uint64_t next();  // any number

 private:
  [[nodiscard]] std::uint64_t next_not_zero();
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace subfloor
