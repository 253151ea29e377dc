// SPDX-License-Identifier: Apache-2.0
#include "tracing/ids.h"

#include <array>
#include <cstddef>
#include <cstring>

#include "telemetry/trace_context.h"

namespace subfloor::tracing {
namespace {

constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;

// The finaliser of splitmix64: one to one.
constexpr std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

constexpr auto hex_of_byte = [] {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<std::array<char, 2>, 256> table{};
  for (std::size_t byte = 0; byte < table.size(); ++byte) table[byte] = {digits[byte >> 4], digits[byte & 15]};
  return table;
}();

std::uint64_t value_of(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char digit : digits)
    value = value << 4 | static_cast<std::uint64_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  return value;
}

}  // namespace

void write(SpanId id, char* digits) {
  for (std::size_t i = 0; i < sizeof id; ++i)
    std::memcpy(digits + 2 * i, hex_of_byte[id >> (56 - 8 * i) & 0xff].data(), 2);
}

void write(const TraceId& id, char* digits) {
  write(id.high, digits);
  write(id.low, digits + 16);
}

TraceId read_trace_id(std::string_view digits) {
  return {value_of(digits.substr(0, 16)), value_of(digits.substr(16, 16))};
}

SpanId read_span_id(std::string_view digits) { return value_of(digits.substr(0, 16)); }

Ids::Ids() {
  IdGenerator random;
  for (std::uint64_t& next : next_) next = random.next();
  for (std::uint64_t& secret : secret_) secret = random.next();
}

Ids::Ids(std::uint64_t seed) {
  for (std::uint64_t& next : next_) next = mix(seed += golden);
  for (std::uint64_t& secret : secret_) secret = mix(seed += golden);
}

// Two sequences of their own, so that neither half tells of the other. The lower half is never zero.
TraceId Ids::trace() {
  TraceId id{mix(next_[0] += golden), mix(next_[1] += golden)};
  if (id.low == 0) id.low = 1;
  return id;
}

SpanId Ids::span() {
  const SpanId id = mix(next_[2] += golden);
  return id == 0 ? 1 : id;
}

SpanId Ids::span_at(SocketKey key, std::uint32_t position) const {
  const SpanId id = mix(mix(key ^ secret_[0]) + position * golden);
  return id == 0 ? 1 : id;
}

TraceId Ids::trace_at(SocketKey key, std::uint32_t position) const {
  return {mix(mix(key + secret_[0]) ^ position * golden), mix(mix(key ^ secret_[1]) + position * golden) | 1};
}

}  // namespace subfloor::tracing
