// SPDX-License-Identifier: Apache-2.0
#include "telemetry/trace_context.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/clock.h"

namespace subfloor {
namespace {

using Sampling = TraceContext::Sampling;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_lower_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

bool all_lower_hex(std::string_view text) { return std::all_of(text.begin(), text.end(), is_lower_hex); }
bool all_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }
bool valid_id(std::string_view text) { return all_lower_hex(text) && !all_zero(text); }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t";
  const std::size_t begin = text.find_first_not_of(blank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

// B3 ids: a trace id of 16 digits stands for one of 32 with zeros in front.
bool set_ids(TraceContext& context, std::string_view trace, std::string_view span) {
  if ((trace.size() != 16 && trace.size() != 32) || span.size() != 16 || !valid_id(trace) || !valid_id(span))
    return false;
  context.trace_digits.fill('0');
  std::copy(trace.begin(), trace.end(), context.trace_digits.end() - static_cast<std::ptrdiff_t>(trace.size()));
  std::copy(span.begin(), span.end(), context.span_digits.begin());
  return true;
}

std::optional<Sampling> b3_decision(std::string_view text) {
  if (text == "1" || text == "true") return Sampling::yes;
  if (text == "0" || text == "false") return Sampling::no;
  if (text == "d") return Sampling::debug;
  return std::nullopt;
}

bool valid_state_key(std::string_view key) {
  if (key.empty() || key.size() > 256 || !(is_lower(key[0]) || is_digit(key[0]))) return false;
  return std::all_of(key.begin(), key.end(), [](char c) {
    return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '*' || c == '/' || c == '@';
  });
}

bool valid_state_value(std::string_view value) {
  if (value.empty() || value.size() > 256 || value.back() == ' ') return false;
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c <= 0x7e && c != ',' && c != '='; });
}

// All fields of that name joined by ',', as HTTP allows for lists.
std::string joined(const HeaderList& headers, std::string_view name) {
  std::string text;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const auto field = headers[i];
    if (!equal_ignoring_case(field.name, name)) continue;
    const std::string_view value = trimmed(field.value);
    if (value.empty()) continue;
    if (!text.empty()) text += ',';
    text += value;
  }
  return text;
}

struct Found {
  std::optional<std::string_view> traceparent, b3, trace, span, sampled, flags;
  bool traceparent_twice = false;
  bool any_state = false;
};

// One pass over the headers; most requests carry none of these.
Found find_headers(const HeaderList& headers) {
  Found found;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const auto field = headers[i];
    if (field.name.empty()) continue;
    const char first = static_cast<char>(field.name[0] | 0x20);
    if (first == 't' && equal_ignoring_case(field.name, "traceparent")) {
      found.traceparent_twice |= found.traceparent.has_value();
      found.traceparent = trimmed(field.value);
    } else if (first == 't' && equal_ignoring_case(field.name, "tracestate")) {
      found.any_state = true;
    } else if (first == 'b' && equal_ignoring_case(field.name, "b3")) {
      found.b3 = trimmed(field.value);
    } else if (first == 'x' && field.name.size() > 5 && equal_ignoring_case(field.name.substr(0, 5), "x-b3-")) {
      const std::string_view rest = field.name.substr(5);
      if (equal_ignoring_case(rest, "traceid")) found.trace = trimmed(field.value);
      if (equal_ignoring_case(rest, "spanid")) found.span = trimmed(field.value);
      if (equal_ignoring_case(rest, "sampled")) found.sampled = trimmed(field.value);
      if (equal_ignoring_case(rest, "flags")) found.flags = trimmed(field.value);
    }
  }
  return found;
}

std::optional<TraceContext> from_b3_headers(const Found& found) {
  TraceContext context;
  if (found.sampled) context.sampling = b3_decision(*found.sampled).value_or(Sampling::undecided);
  if (found.flags == "1") context.sampling = Sampling::debug;
  const bool ids = found.trace && found.span && set_ids(context, *found.trace, *found.span);
  if (!ids && context.sampling == Sampling::undecided) return std::nullopt;
  return context;
}

constexpr auto hex_of_byte = [] {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<std::array<char, 2>, 256> table{};
  for (std::size_t byte = 0; byte < table.size(); ++byte) table[byte] = {digits[byte >> 4], digits[byte & 15]};
  return table;
}();

void write_hex(std::uint64_t value, char* out) {
#pragma GCC unroll 8
  for (std::size_t i = 0; i < sizeof value; ++i)
    std::memcpy(out + 2 * i, hex_of_byte[(value >> (56 - 8 * i)) & 0xff].data(), 2);
}

// Spreads one number over a whole state (splitmix64).
std::uint64_t spread(std::uint64_t& seed) {
  std::uint64_t z = (seed += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

std::optional<TraceContext> parse_traceparent(std::string_view value) {
  constexpr std::size_t size = 55;  // 2 + 1 + 32 + 1 + 16 + 1 + 2
  if (value.size() < size || value[2] != '-' || value[35] != '-' || value[52] != '-') return std::nullopt;
  const std::string_view version = value.substr(0, 2), flags = value.substr(53, 2);
  if (!all_lower_hex(version) || !all_lower_hex(flags) || version == "ff") return std::nullopt;
  // A later version may append fields; version 00 may not.
  if (value.size() > size && (version == "00" || value[size] != '-')) return std::nullopt;
  TraceContext context;
  if (!set_ids(context, value.substr(3, 32), value.substr(36, 16))) return std::nullopt;
  const char low = flags[1];
  const int bits = is_digit(low) ? low - '0' : low - 'a' + 10;
  context.sampling = (bits & 1) != 0 ? Sampling::yes : Sampling::no;
  return context;
}

bool valid_tracestate(std::string_view value) {
  if (value.size() > 512) return false;
  std::vector<std::string_view> keys;
  for (std::size_t at = 0; at <= value.size();) {
    const std::size_t end = std::min(value.find(',', at), value.size());
    const std::string_view member = trimmed(value.substr(at, end - at));
    at = end + 1;
    if (member.empty()) continue;  // empty members are allowed
    const std::size_t equals = member.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string_view key = member.substr(0, equals);
    if (!valid_state_key(key) || !valid_state_value(member.substr(equals + 1))) return false;
    if (std::find(keys.begin(), keys.end(), key) != keys.end() || keys.size() == 32) return false;
    keys.push_back(key);
  }
  return true;
}

std::optional<TraceContext> parse_b3(std::string_view value) {
  TraceContext context;
  if (value.size() == 1) {
    const auto decision = b3_decision(value);
    if (!decision) return std::nullopt;
    context.sampling = *decision;
    return context;
  }
  std::array<std::string_view, 4> parts;
  std::size_t count = 0;
  for (std::size_t at = 0; at <= value.size(); ++count) {
    if (count == parts.size()) return std::nullopt;
    const std::size_t end = std::min(value.find('-', at), value.size());
    parts[count] = value.substr(at, end - at);
    at = end + 1;
  }
  if (count < 2 || !set_ids(context, parts[0], parts[1])) return std::nullopt;
  if (count > 2) {
    const auto decision = parts[2].size() == 1 ? b3_decision(parts[2]) : std::nullopt;
    if (!decision) return std::nullopt;
    context.sampling = *decision;
  }
  if (count > 3 && (parts[3].size() != 16 || !valid_id(parts[3]))) return std::nullopt;
  return context;
}

std::optional<TraceContext> extract_trace_context(const HeaderList& headers) {
  if (headers.empty()) return std::nullopt;
  const Found found = find_headers(headers);
  if (found.traceparent && !found.traceparent_twice) {
    if (auto context = parse_traceparent(*found.traceparent)) {
      if (found.any_state) context->state = joined(headers, "tracestate");
      if (!valid_tracestate(context->state)) context->state.clear();
      return context;
    }
  }
  if (found.b3) {
    if (auto context = parse_b3(*found.b3)) return context;
  }
  return from_b3_headers(found);
}

IdGenerator::IdGenerator() {
  auto* bytes = reinterpret_cast<char*>(state_.data());
  std::size_t filled = 0;
  while (filled < sizeof(state_)) {
    const ssize_t n = ::getrandom(bytes + filled, sizeof(state_) - filled, 0);
    if (n > 0) {
      filled += static_cast<std::size_t>(n);
    } else if (errno != EINTR) {
      // A seccomp profile may forbid the call; ids must still differ between runs.
      std::uint64_t seed = monotonic_now() ^ to_unix(0) ^ reinterpret_cast<std::uintptr_t>(this);
      for (std::uint64_t& word : state_) word = spread(seed);
      return;
    }
  }
}

IdGenerator::IdGenerator(std::uint64_t seed) {
  for (std::uint64_t& word : state_) word = spread(seed);
}

std::uint64_t IdGenerator::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t IdGenerator::next_not_zero() {
  std::uint64_t value = next();
  while (value == 0) value = next();
  return value;
}

IdGenerator::TraceId IdGenerator::trace_id() {
  TraceId id;
  write_hex(next(), id.data());
  write_hex(next_not_zero(), id.data() + 16);
  return id;
}

IdGenerator::SpanId IdGenerator::span_id() {
  SpanId id;
  write_hex(next_not_zero(), id.data());
  return id;
}

}  // namespace subfloor
