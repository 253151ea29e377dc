// SPDX-License-Identifier: Apache-2.0
// For tests: DNS messages as bytes, and a session with somebody at either end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/dns/dns.h"
#include "protocols/dns/session.h"

namespace subfloor::protocols::dns::testing {

inline std::string be16(unsigned value) { return {static_cast<char>(value >> 8U), static_cast<char>(value)}; }
inline std::string be32(std::uint32_t value) { return be16(value >> 16U) + be16(value & 0xffffU); }

// "www.example" as labels; "" is the root.
inline std::string name(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const std::string_view label = text.substr(0, text.find('.'));
    bytes += static_cast<char>(label.size());
    bytes += label;
    text.remove_prefix(std::min(text.size(), label.size() + 1));
  }
  return bytes + '\0';
}

inline const std::string question_name("\xc0\x0c", 2);  // a pointer to it

inline std::string message(unsigned id, unsigned flags, std::string_view asked, unsigned type,
                           const std::vector<std::string>& answers = {},
                           const std::vector<std::string>& additional = {}, unsigned type_class = 1) {
  std::string bytes = be16(id) + be16(flags) + be16(1) + be16(static_cast<unsigned>(answers.size())) + be16(0) +
                      be16(static_cast<unsigned>(additional.size())) + name(asked) + be16(type) + be16(type_class);
  for (const std::string& answer : answers) bytes += answer;
  for (const std::string& record : additional) bytes += record;
  return bytes;
}

inline std::string query(unsigned id, std::string_view asked, unsigned type = 1) {
  return message(id, 0x0100, asked, type);
}
inline std::string response(unsigned id, std::string_view asked, unsigned type = 1,
                            const std::vector<std::string>& answers = {}, unsigned rcode = 0) {
  return message(id, 0x8180U | rcode, asked, type, answers);
}
inline std::string record(const std::string& owner, unsigned type, std::string_view data, std::uint32_t ttl = 60) {
  return owner + be16(type) + be16(1) + be32(ttl) + be16(static_cast<unsigned>(data.size())) + std::string(data);
}
inline std::string address(const std::string& owner, std::uint8_t last, std::uint32_t ttl = 60) {
  return record(owner, 1, std::string("\x0a\0\0", 3) + static_cast<char>(last), ttl);
}
inline std::string framed(const std::string& bytes) { return be16(static_cast<unsigned>(bytes.size())) + bytes; }

class Told final : public CallSink {
 public:
  void on_call(Call& call) override { calls.push_back(call); }
  std::vector<Call> calls;
};

inline std::string attribute(const Call& call, std::string_view key) {
  return std::string(call.attributes.find(key).value_or(std::string_view{}));
}

// "A www.example 0 10.0.0.1", then what is special.
inline std::string summary(const Call& call) {
  std::string text = std::string(to_string(call.kind)) + ' ' + call.operation + ' ' + call.target + ' ' +
                     (call.status ? std::to_string(*call.status) : "none");
  for (const char* key : {"dns.answers", "dns.truncated", "dns.retries"}) {
    if (const auto value = call.attributes.find(key)) text += ' ' + std::string(*value);
  }
  if (!call.error.empty()) text += " !" + call.error;
  for (const std::string_view reason : partial_reasons(call.partial)) text += " ~" + std::string(reason);
  return text;
}

// A client that asks and the answers it gets, or a server, each step a millisecond after the last.
class Talk {
 public:
  explicit Talk(Kind kind, bool datagrams = true, bool joined_late = false)
      : session({.joined_late = joined_late, .datagrams = datagrams}), kind_(kind) {}

  Next asks(std::string_view bytes, std::uint64_t uncopied = 0) {
    return give(kind_ == Kind::client ? Direction::outbound : Direction::inbound, bytes, uncopied);
  }
  Next answers(std::string_view bytes, std::uint64_t uncopied = 0) {
    return give(kind_ == Kind::client ? Direction::inbound : Direction::outbound, bytes, uncopied);
  }
  Next give(Direction direction, std::string_view bytes, std::uint64_t uncopied = 0) {
    now += 1'000'000;
    return session.on_segment({.direction = direction,
                               .bytes = bytes,
                               .length = bytes.size() + uncopied,
                               .begin = now,
                               .end = now + 10,
                               .pid = 7,
                               .tid = 8},
                              told);
  }
  void tick_after(Nanoseconds time) {
    now += time;
    session.on_tick(now, told);
  }
  void close_after(Nanoseconds time) {
    now += time;
    session.on_close(now, told);
  }
  [[nodiscard]] std::vector<std::string> summaries() const {
    std::vector<std::string> all;
    for (const Call& call : told.calls) all.push_back(summary(call));
    return all;
  }

  DnsSession session;
  Told told;
  Nanoseconds now = 1'000'000'000;

 private:
  Kind kind_;
};

}  // namespace subfloor::protocols::dns::testing
