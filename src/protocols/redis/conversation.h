// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: conversations written down once and replayed in every way they can be cut.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/redis/redis.h"
#include "protocols/redis/session.h"

namespace subfloor::protocols::redis::testing {

enum class Side : std::uint8_t { client, server };

struct Turn {
  Side from;
  std::string bytes;
};
using Conversation = std::vector<Turn>;

// "SET k v" as clients send it; words are separated by single spaces.
inline std::string array(std::string_view words) {
  std::vector<std::string_view> list;
  for (std::size_t at = 0; at <= words.size();) {
    const std::size_t end = std::min(words.find(' ', at), words.size());
    list.push_back(words.substr(at, end - at));
    at = end + 1;
  }
  std::string text = "*" + std::to_string(list.size()) + "\r\n";
  for (const std::string_view word : list)
    text += "$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n";
  return text;
}
inline Turn command(std::string_view words) { return {Side::client, array(words)}; }
inline Turn client(std::string_view bytes) { return {Side::client, std::string(bytes)}; }
inline Turn server(std::string_view bytes) { return {Side::server, std::string(bytes)}; }
inline std::string bulk(std::string_view value) {
  return "$" + std::to_string(value.size()) + "\r\n" + std::string(value) + "\r\n";
}

class Recorder final : public CallSink {
 public:
  void on_call(Call& call) override { calls.push_back(call); }
  std::vector<Call> calls;
};

// Everything a call says, for comparison.
inline std::string to_text(const Call& call) {
  std::string text = std::string(to_string(call.kind)) + ' ' + call.operation + " error '" + call.error + "'";
  for (const std::uint64_t number : {call.start, call.request_end, call.first_byte, call.end, call.request_body_bytes,
                                     call.response_body_bytes, std::uint64_t{call.partial}, std::uint64_t{call.pid}}) {
    text += ' ' + std::to_string(number);
  }
  for (std::size_t i = 0; i < call.attributes.size(); ++i)
    text.append(" ").append(call.attributes[i].key).append("=").append(call.attributes[i].value);
  return text;
}

inline std::vector<std::string> to_text(const std::vector<Call>& calls) {
  std::vector<std::string> texts;
  for (const Call& call : calls) texts.push_back(to_text(call));
  return texts;
}

// "GET", "SET!ERR" (failed), "SET~" (partial).
inline std::vector<std::string> outcomes(const std::vector<Call>& calls) {
  std::vector<std::string> texts;
  for (const Call& call : calls)
    texts.push_back(call.operation + (call.error.empty() ? "" : "!" + call.error) + (call.partial != 0 ? "~" : ""));
  return texts;
}

// A session as one end of a connection sees it. Each turn takes 100 ns and begins 1000 ns after the one before.
class Feeder {
 public:
  explicit Feeder(Kind role = Kind::server, Options options = {}) : role_(role), session(options) {}

  [[nodiscard]] Direction direction(Side from) const {
    return (from == Side::client) == (role_ == Kind::server) ? Direction::inbound : Direction::outbound;
  }

  void tick() { now += 1000; }
  Next give(Side from, std::string_view bytes, std::uint64_t gap = 0) {
    last = session.on_segment({direction(from), bytes, bytes.size() + gap, now, now + 100, 10, 11}, sink);
    return last;
  }
  Next say(Side from, std::string_view bytes, std::uint64_t gap = 0) {
    tick();
    return give(from, bytes, gap);
  }
  Next say(const Turn& turn) { return say(turn.from, turn.bytes); }
  void lose(Side from) { session.on_lost(direction(from), now, sink); }
  void close() {
    tick();
    session.on_close(now, sink);
  }
  [[nodiscard]] std::vector<Call>& calls() { return sink.calls; }

 private:
  Kind role_;

 public:
  Recorder sink;
  RedisSession session;
  Nanoseconds now = 0;
  Next last;
};

inline std::vector<Call> replay(const Conversation& conversation, Kind role = Kind::server,
                                const Options& options = {}) {
  Feeder feeder(role, options);
  for (const Turn& turn : conversation) feeder.say(turn);
  feeder.close();
  return feeder.calls();
}

}  // namespace subfloor::protocols::redis::testing
