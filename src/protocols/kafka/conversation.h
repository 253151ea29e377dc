// SPDX-License-Identifier: Apache-2.0
// For the tests: messages, and conversations that are replayed in every way they can be cut.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/kafka/examples.h"
#include "protocols/kafka/kafka.h"
#include "protocols/kafka/schema.h"
#include "protocols/kafka/session.h"

namespace subfloor::protocols::kafka::testing {

// The end that sends requests, or the one that answers.
enum class Side : std::uint8_t { client, broker };

class Recorder final : public CallSink {
 public:
  void on_call(Call& call) override { calls.push_back(call); }
  std::vector<Call> calls;
};

inline std::string number(std::int64_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xff);
  return text;
}
inline std::string text16(std::string_view text) {
  return number(static_cast<std::int64_t>(text.size()), 2) + std::string(text);
}
inline std::string framed(const std::string& message) {
  return number(static_cast<std::int64_t>(message.size()), 4) + message;
}
inline std::string from_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(digit(hex[i]) << 4 | digit(hex[i + 1]));
  return bytes;
}

inline bool flexible(int key, int version) { return version >= find_api(key)->first_flexible; }

inline std::string request(int key, int version, std::int32_t correlation, const std::string& body,
                           std::string_view client = "tester") {
  std::string head = number(key, 2) + number(version, 2) + number(correlation, 4) + text16(client);
  if (flexible(key, version)) head += '\0';
  return framed(head + body);
}
inline std::string response(int key, int version, std::int32_t correlation, const std::string& body) {
  std::string head = number(correlation, 4);
  if (flexible(key, version) && key != api_versions_key) head += '\0';
  return framed(head + body);
}

inline std::string ask(const Example& example, std::int32_t correlation) {
  return request(example.key, example.version, correlation, from_hex(example.request));
}
inline std::string answer(const Example& example, std::int32_t correlation) {
  return response(example.key, example.version, correlation, from_hex(example.response));
}
inline std::string refuse(const Example& example, std::int32_t correlation) {
  return response(example.key, example.version, correlation, from_hex(example.failure));
}
inline const Example& example(int key, int version) {
  for (const Example& each : examples) {
    if (each.key == key && each.version == version) return each;
  }
  return examples[0];
}

// Produce 7 with one partition of one topic.
inline std::string produce(std::int32_t correlation, int acks, std::string_view topic, const std::string& records,
                           std::int32_t partition = 0) {
  return request(produce_key, 7, correlation,
                 number(-1, 2) + number(acks, 2) + number(30000, 4) + number(1, 4) + text16(topic) + number(1, 4) +
                     number(partition, 4) + number(static_cast<std::int64_t>(records.size()), 4) + records);
}
inline std::string produced(std::int32_t correlation, std::string_view topic, int error = 0) {
  return response(produce_key, 7, correlation,
                  number(1, 4) + text16(topic) + number(1, 4) + number(0, 4) + number(error, 2) + number(5, 8) +
                      number(-1, 8) + number(0, 8) + number(0, 4));
}
// Heartbeat 0 of a group.
inline std::string heartbeat(std::int32_t correlation, std::string_view group = "billing") {
  return request(12, 0, correlation, text16(group) + number(4, 4) + text16("member"));
}
inline std::string beaten(std::int32_t correlation, int error = 0) {
  return response(12, 0, correlation, number(error, 2));
}

// Everything a call says, for comparison.
inline std::string to_text(const Call& call) {
  std::string text(to_string(call.kind));
  text += ' ' + call.operation + " of " + call.target + " status " +
          (call.status ? std::to_string(*call.status) : "none") + " error " + call.error;
  for (const std::uint64_t each : {call.start, call.request_end, call.first_byte, call.end, call.request_body_bytes,
                                   call.response_body_bytes, std::uint64_t{call.partial}, std::uint64_t{call.pid}}) {
    text += ' ' + std::to_string(each);
  }
  call.attributes.append_to(text, Use::record);
  return text;
}
inline std::vector<std::string> to_text(const std::vector<Call>& calls) {
  std::vector<std::string> texts;
  for (const Call& call : calls) texts.push_back(to_text(call));
  return texts;
}

// A session as one end of a connection sees it. Each turn takes 100 ns and begins 1000 ns after the one before.
class Feeder {
 public:
  explicit Feeder(Kind role = Kind::server, const Options& options = {}) : role_(role), session(options) {}

  [[nodiscard]] Direction direction(Side from) const {
    return (from == Side::client) == (role_ == Kind::server) ? Direction::inbound : Direction::outbound;
  }
  Next give(Side from, std::string_view bytes, std::uint64_t gap = 0) {
    const Segment segment{direction(from), bytes, bytes.size() + gap, now, now + 100, 10, 11};
    return session.on_segment(segment, sink);
  }
  Next say(Side from, std::string_view bytes, std::uint64_t gap = 0) {
    now += 1000;
    return give(from, bytes, gap);
  }
  void lose(Side from) { session.on_lost(direction(from), now, sink); }
  void close() {
    now += 1000;
    session.on_close(now, sink);
  }
  [[nodiscard]] std::vector<Call>& calls() { return sink.calls; }
  // The only call.
  [[nodiscard]] Call call() const { return sink.calls.size() == 1 ? sink.calls[0] : Call{}; }

 private:
  Kind role_;

 public:
  Recorder sink;
  KafkaSession session;
  Nanoseconds now = 0;
};

}  // namespace subfloor::protocols::kafka::testing
