// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: conversations written down once and replayed in every way they can be cut.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/http1/http1.h"
#include "protocols/http1/session.h"

namespace subfloor::protocols::http1::testing {

// The peer that sends requests, or the one that sends responses.
enum class Side : std::uint8_t { client, server };

struct Turn {
  Side from;
  std::string bytes;
};
using Conversation = std::vector<Turn>;

inline Turn client(std::string_view bytes) { return {Side::client, std::string(bytes)}; }
inline Turn server(std::string_view bytes) { return {Side::server, std::string(bytes)}; }

class Recorder final : public CallSink {
 public:
  void on_call(Call& call) override { calls.push_back(call); }
  std::vector<Call> calls;
};

inline std::string to_text(const HeaderList& fields) {
  std::string text;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    text.append(" ").append(fields[i].name).append("=").append(fields[i].value);
  }
  return text;
}

// Everything a call says, for comparison.
inline std::string to_text(const Call& call) {
  std::string text(call.protocol->name);
  text += ' ' + std::string(to_string(call.kind)) + ' ' + call.operation + ' ' + call.path + '?' + call.query + ' ' +
          call.version + " status " + (call.status ? std::to_string(*call.status) : "none");
  for (const std::uint64_t number : {call.start, call.request_end, call.first_byte, call.end, call.request_body_bytes,
                                     call.response_body_bytes, std::uint64_t{call.partial}, std::uint64_t{call.pid}}) {
    text += ' ' + std::to_string(number);
  }
  return text + " >" + to_text(call.request_headers) + " <" + to_text(call.response_headers);
}

inline std::vector<std::string> to_text(const std::vector<Call>& calls) {
  std::vector<std::string> texts;
  for (const Call& call : calls) texts.push_back(to_text(call));
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
    const Segment segment{direction(from), bytes, bytes.size() + gap, now, now + 100, 10, 11};
    last = session.on_segment(segment, sink);
    return last;
  }
  Next say(Side from, std::string_view bytes, std::uint64_t gap = 0) {
    tick();
    return give(from, bytes, gap);
  }
  void lose(Side from) { session.on_lost(direction(from), now, sink); }
  void close() {
    tick();
    session.on_close(now, sink);
  }
  [[nodiscard]] std::vector<Call>& calls() { return sink.calls; }
  // The only call.
  [[nodiscard]] Call call() const { return sink.calls.size() == 1 ? sink.calls[0] : Call{}; }

 private:
  Kind role_;

 public:
  Recorder sink;
  Http1Session session;
  Nanoseconds now = 0;
  Next last;
};

inline std::vector<Call> replay(const Conversation& conversation, Kind role = Kind::server, Options options = {}) {
  Feeder feeder(role, options);
  for (const Turn& turn : conversation) feeder.say(turn.from, turn.bytes);
  feeder.close();
  return feeder.calls();
}

inline std::string chunk(std::string_view content) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string size;
  for (std::size_t n = content.size(); n > 0; n /= 16) size.insert(size.begin(), digits[n % 16]);
  return size + "\r\n" + std::string(content) + "\r\n";
}

inline const std::string get = "GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nUser-Agent: test\r\n\r\n";
inline const std::string ok = "HTTP/1.1 200 OK\r\nServer: test\r\nContent-Length: 5\r\n\r\nhello";

}  // namespace subfloor::protocols::http1::testing
