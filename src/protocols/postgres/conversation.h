// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: messages as both sides write them, and conversations that can be cut anywhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocols/postgres/session.h"

namespace subfloor::protocols::postgres::testing {

using namespace std::string_literals;

inline std::string u32(std::uint32_t n) {
  std::string text;
  for (const int shift : {24, 16, 8, 0}) text += static_cast<char>(n >> shift & 0xff);
  return text;
}
inline std::string message(char type, std::string_view content = {}) {
  return type + u32(static_cast<std::uint32_t>(content.size() + 4)) + std::string(content);
}
inline std::string untyped(std::uint32_t code, std::string_view content = {}) {
  return u32(static_cast<std::uint32_t>(content.size() + 8)) + u32(code) + std::string(content);
}
inline std::string z(std::string_view text) { return std::string(text) + '\0'; }

// What a frontend says.
inline std::string startup(std::string_view database = "shop") {
  return untyped(196608, z("user") + z("joe") + z("database") + z(database) + z("application_name") + z("psql") + '\0');
}
inline std::string query(std::string_view text) { return message('Q', z(text)); }
inline std::string parse(std::string_view name, std::string_view text) {
  return message('P', z(name) + z(text) + "\0\0"s);
}
inline std::string bind(std::string_view portal, std::string_view name, std::string_view value = "5") {
  return message('B', z(portal) + z(name) + "\0\0\0\1"s + u32(static_cast<std::uint32_t>(value.size())) +
                          std::string(value) + "\0\0"s);
}
inline std::string describe(std::string_view portal) { return message('D', "P" + z(portal)); }
inline std::string execute(std::string_view portal = "", std::uint32_t rows = 0) {
  return message('E', z(portal) + u32(rows));
}
inline std::string close(char what, std::string_view name) { return message('C', what + z(name)); }
inline const std::string sync = message('S'), flush = message('H');
// The extended protocol as drivers speak it.
inline std::string prepared(std::string_view name, std::string_view value = "5") {
  return testing::bind("", name, value) + describe("") + execute() + sync;
}

// What a backend says.
inline std::string ready(char state = 'I') { return message('Z', std::string(1, state)); }
inline std::string complete(std::string_view tag) { return message('C', z(tag)); }
inline const std::string row_description = message('T', "\0\1"s + z("id") + std::string(18, '\1'));
inline const std::string no_data = message('n');
inline std::string row(std::string_view value) {
  return message('D', "\0\1"s + u32(static_cast<std::uint32_t>(value.size())) + std::string(value));
}
inline std::string rows(int count, std::string_view value = "42") {
  std::string text;
  for (int i = 0; i < count; ++i) text += row(value);
  return text;
}
inline std::string failure(std::string_view state, std::string_view severity = "ERROR") {
  return message('E',
                 "S" + z(severity) + "V" + z(severity) + "C" + z(state) + "M" + z("no such thing: hunter2") + '\0');
}
inline std::string selected(int count) {
  return row_description + rows(count) + complete("SELECT " + std::to_string(count)) + ready();
}
inline const std::string parsed = message('1'), bound = message('2'), closed = message('3');
inline const std::string authenticated = message('R', u32(0)) + message('S', z("server_version") + z("15.1")) +
                                         message('S', z("standard_conforming_strings") + z("on")) +
                                         message('K', u32(7) + u32(8)) + ready();

enum class From : std::uint8_t { frontend, backend };
using Conversation = std::vector<std::pair<From, std::string>>;
inline std::pair<From, std::string> front(std::string text) { return {From::frontend, std::move(text)}; }
inline std::pair<From, std::string> back(std::string text) { return {From::backend, std::move(text)}; }

class Recorder final : public CallSink {
 public:
  void on_call(Call& call) override { calls.push_back(call); }
  std::vector<Call> calls;
};

// "SELECT orders 42P01 [summary] rows 3 partial 0".
inline std::string brief(const Call& call) {
  std::string text = call.operation.empty() ? "?" : call.operation;
  if (!call.target.empty()) text += " " + call.target;
  if (!call.error.empty()) text += " !" + call.error;
  if (const auto rows = call.attributes.find("db.response.returned_rows")) text += " rows " + std::string(*rows);
  if (const auto rows = call.attributes.find("postgresql.affected_rows")) text += " affected " + std::string(*rows);
  for (const std::string_view reason : partial_reasons(call.partial)) text += " (" + std::string(reason) + ")";
  return text;
}
inline std::vector<std::string> brief(const std::vector<Call>& calls) {
  std::vector<std::string> texts;
  for (const Call& call : calls) texts.push_back(brief(call));
  return texts;
}
// Everything a call says, for comparison; not its times where they depend on how the bytes were cut.
inline std::string full(const Call& call) {
  std::string text = brief(call) + " " + std::to_string(call.start) + " " + std::to_string(call.request_end) + " " +
                     std::to_string(call.first_byte) + " " + std::to_string(call.end) + " " +
                     std::to_string(call.request_body_bytes) + " " + std::to_string(call.response_body_bytes) + " " +
                     std::to_string(call.pid);
  for (std::size_t i = 0; i < call.attributes.size(); ++i) {
    text += " " + std::string(call.attributes[i].key) + "=" + std::string(call.attributes[i].value);
  }
  return text;
}
inline std::vector<std::string> full(const std::vector<Call>& calls) {
  std::vector<std::string> texts;
  for (const Call& call : calls) texts.push_back(full(call));
  return texts;
}

// A session as one end of a connection sees it. Each turn takes 100 ns and begins 1000 ns after the one before.
class Feeder {
 public:
  explicit Feeder(Kind role = Kind::server, Options options = {}) : role_(role), session(options) {}

  [[nodiscard]] Direction direction(From from) const {
    return (from == From::frontend) == (role_ == Kind::server) ? Direction::inbound : Direction::outbound;
  }
  Next give(From from, std::string_view bytes, std::uint64_t gap = 0) {
    return session.on_segment({direction(from), bytes, bytes.size() + gap, now, now + 100, 10, 11}, sink);
  }
  Next say(From from, std::string_view bytes, std::uint64_t gap = 0) {
    now += 1000;
    return give(from, bytes, gap);
  }
  // Of which the kernel copied so much.
  Next say_cut(From from, std::string_view bytes, std::size_t copied) {
    return bytes.size() <= copied ? say(from, bytes) : say(from, bytes.substr(0, copied), bytes.size() - copied);
  }
  void lose(From from) { session.on_lost(direction(from), now, sink); }
  void close() { session.on_close(now += 1000, sink); }
  [[nodiscard]] std::vector<std::string> calls() const { return brief(sink.calls); }

 private:
  Kind role_;

 public:
  Recorder sink;
  PostgresSession session;
  Nanoseconds now = 0;
};

inline std::vector<Call> replay(const Conversation& conversation, Kind role = Kind::server, Options options = {},
                                std::size_t piece = 0) {
  Feeder feeder(role, options);
  for (const auto& [from, bytes] : conversation) {
    feeder.now += 1000;
    std::string_view rest = bytes;
    while (piece > 0 && rest.size() > piece) {
      (void)feeder.give(from, rest.substr(0, piece));
      rest.remove_prefix(piece);
    }
    (void)feeder.give(from, rest);
  }
  feeder.close();
  return feeder.sink.calls;
}

}  // namespace subfloor::protocols::postgres::testing
