// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: packets as both sides write them, conversations made of them, and a session that is
// given them in every way they can be cut.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/mysql/capabilities.h"
#include "protocols/mysql/mysql.h"
#include "protocols/mysql/session.h"

namespace subfloor::protocols::mysql::testing {

using namespace std::string_literals;

enum class Side : std::uint8_t { client, server };

struct Turn {
  Side from;
  std::string bytes;
};
using Conversation = std::vector<Turn>;

inline Turn client(std::string_view bytes) { return {Side::client, std::string(bytes)}; }
inline Turn server(std::string_view bytes) { return {Side::server, std::string(bytes)}; }

inline Conversation operator+(Conversation a, const Conversation& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Fields.
inline std::string integer(std::uint64_t value, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  return text;
}
inline std::string number(std::uint64_t value) {
  if (value < 0xfb) return integer(value, 1);
  if (value < 0x10000) return "\xfc" + integer(value, 2);
  if (value < 0x1000000) return "\xfd" + integer(value, 3);
  return "\xfe" + integer(value, 8);
}
inline std::string text(std::string_view value) { return number(value.size()) + std::string(value); }
inline std::string line(std::string_view value) { return std::string(value) + '\0'; }

// Packets.
inline std::string packet(std::uint8_t sequence, std::string_view payload) {
  std::string bytes;
  while (true) {
    const std::size_t n = std::min<std::size_t>(payload.size(), 0xffffff);
    bytes += integer(n, 3) + static_cast<char>(sequence++) + std::string(payload.substr(0, n));
    payload.remove_prefix(n);
    if (n < 0xffffff) return bytes;
  }
}

inline constexpr Capabilities common_capabilities =
    capability::mysql | capability::protocol_41 | capability::secure_connection | capability::plugin_auth |
    capability::connect_attributes | capability::connect_with_database | capability::session_track | 0x2;
inline constexpr Capabilities mysql8 =
    common_capabilities | capability::deprecate_eof | capability::query_attributes | capability::long_auth_data;
inline constexpr Capabilities mariadb =
    (common_capabilities & ~capability::mysql) | capability::bulk | capability::progress;

inline std::string greeting(std::string_view version, Capabilities capabilities) {
  return packet(0, "\x0a" + line(version) + integer(7, 4) + "saltsalt" + '\0' + integer(capabilities, 2) + "\x21" +
                       integer(2, 2) + integer(capabilities >> 16, 2) + "\x15" + std::string(6, '\0') +
                       integer(capabilities >> 32, 4) + line("saltsaltsalt") + line("mysql_native_password"));
}
inline std::string login(Capabilities capabilities, std::string_view database = "orders") {
  std::string payload = integer(capabilities, 4) + integer(1 << 24, 4) + "\x21" + std::string(19, '\0') +
                        integer(capabilities >> 32, 4) + line("shop") + text("HASHED-PASSWORD-20-b");
  if ((capabilities & capability::connect_with_database) != 0) payload += line(database);
  payload += line("mysql_native_password");
  payload += text(text("_os") + text("Linux") + text("program_name") + text("till"));
  return packet(1, payload);
}
inline std::string ok(std::uint8_t sequence, std::uint64_t affected = 0, std::uint16_t status = 2,
                      std::string_view more = {}) {
  return packet(sequence,
                "\0"s + number(affected) + number(0) + integer(status, 2) + integer(0, 2) + std::string(more));
}
inline std::string error(std::uint8_t sequence, std::uint16_t code, std::string_view state,
                         std::string_view message = "What went wrong with 'secret'") {
  return packet(sequence, "\xff" + integer(code, 2) + "#" + std::string(state) + std::string(message));
}
inline std::string eof(std::uint8_t sequence, std::uint16_t status = 2) {
  return packet(sequence, "\xfe" + integer(0, 2) + integer(status, 2));
}
// As EOF where that is out of use.
inline std::string late_ok(std::uint8_t sequence, std::uint16_t status = 2) {
  return packet(sequence, "\xfe" + number(0) + number(0) + integer(status, 2) + integer(0, 2));
}
inline std::string column(std::uint8_t sequence, std::string_view name) {
  return packet(sequence, text("def") + text("orders") + text("items") + text("items") + text(name) + text(name) +
                              "\x0c" + integer(33, 2) + integer(100, 4) + "\xfd" + integer(0, 2) + "\0\0\0"s);
}
inline std::string query(std::string_view statement) { return packet(0, "\x03" + std::string(statement)); }
inline std::string send(std::uint8_t code, std::string_view rest = {}) {
  return packet(0, std::string(1, static_cast<char>(code)) + std::string(rest));
}
inline std::string prepare(std::string_view statement) { return packet(0, "\x16" + std::string(statement)); }
inline std::string execute(std::uint32_t number, std::string_view values = {}, char flags = 0) {
  return packet(0, "\x17" + integer(number, 4) + flags + integer(1, 4) + std::string(values));
}
inline std::string prepared(std::uint32_t number, std::uint16_t columns, std::uint16_t parameters, bool with_eof) {
  std::uint8_t sequence = 1;
  std::string bytes = packet(
      sequence++, "\0"s + integer(number, 4) + integer(columns, 2) + integer(parameters, 2) + "\0"s + integer(0, 2));
  for (const std::uint16_t count : {parameters, columns}) {
    for (std::uint16_t i = 0; i < count; ++i) bytes += column(sequence++, "c");
    if (count > 0 && with_eof) bytes += eof(sequence++);
  }
  return bytes;
}
// A set of rows of one column, from packet number `sequence` on, which is then that behind it.
inline std::string rows(std::uint8_t& sequence, const std::vector<std::string>& values, bool with_eof,
                        std::uint16_t status = 2) {
  std::string bytes = packet(sequence++, number(1));
  bytes += column(sequence++, "name");
  if (with_eof) bytes += eof(sequence++, status);
  for (const std::string& value : values) bytes += packet(sequence++, text(value));
  bytes += with_eof ? eof(sequence, status) : late_ok(sequence, status);
  ++sequence;
  return bytes;
}
inline std::string rows(const std::vector<std::string>& values, bool with_eof, std::uint16_t status = 2) {
  std::uint8_t sequence = 1;
  return rows(sequence, values, with_eof, status);
}

// A packet of the compressed protocol.
inline std::string packed(std::uint8_t sequence, std::string_view bytes) {
  if (bytes.size() < 50)
    return integer(bytes.size(), 3) + static_cast<char>(sequence) + integer(0, 3) + std::string(bytes);
  uLongf size = compressBound(bytes.size());
  std::string out(size, '\0');
  compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  out.resize(size);
  return integer(size, 3) + static_cast<char>(sequence) + integer(bytes.size(), 3) + out;
}

// What opens a connection.
inline Conversation connected(Capabilities capabilities, std::string_view version = "8.0.36",
                              std::string_view database = "orders") {
  return {server(greeting(version, capabilities)), client(login(capabilities, database)), server(ok(2))};
}
inline Conversation connected_mysql() { return connected(mysql8); }
inline Conversation connected_mariadb() { return connected(mariadb, "5.5.5-10.11.6-MariaDB"); }

class Recorder final : public CallSink {
 public:
  void on_call(Call& call) override { calls.push_back(call); }
  std::vector<Call> calls;
};

// What most tests look at.
inline std::string brief(const Call& call) {
  std::string out = call.operation.empty() ? "?" : call.operation;
  if (!call.target.empty()) out += ' ' + call.target;
  if (const auto rows = call.attributes.find("db.response.returned_rows")) out += " rows=" + std::string(*rows);
  if (const auto rows = call.attributes.find("db.mysql.affected_rows")) out += " affected=" + std::string(*rows);
  if (!call.error.empty()) out += " error=" + call.error;
  for (const std::string_view reason : partial_reasons(call.partial)) out += " (" + std::string(reason) + ")";
  return out;
}
inline std::vector<std::string> briefs(const std::vector<Call>& calls) {
  std::vector<std::string> texts;
  for (const Call& call : calls) texts.push_back(brief(call));
  return texts;
}
using Briefs = std::vector<std::string>;

// Everything a call says, for comparison.
inline std::string to_text(const Call& call) {
  std::string out = std::string(to_string(call.kind)) + ' ' + brief(call);
  for (const std::uint64_t value : {call.start, call.request_end, call.first_byte, call.end, call.request_body_bytes,
                                    call.response_body_bytes, std::uint64_t{call.pid}})
    out += ' ' + std::to_string(value);
  for (std::size_t i = 0; i < call.attributes.size(); ++i)
    out += ' ' + std::string(call.attributes[i].key) + '=' + std::string(call.attributes[i].value);
  return out;
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
  // As the kernel tells of one transfer: at most 4096 bytes of it.
  Next transfer(Side from, std::string_view bytes) {
    const std::string_view copied = bytes.substr(0, 4096);
    return say(from, copied, bytes.size() - copied.size());
  }
  void say(const Conversation& conversation) {
    for (const Turn& turn : conversation) say(turn.from, turn.bytes);
  }
  void lose(Side from) { session.on_lost(direction(from), now, sink); }
  void close() {
    tick();
    session.on_close(now, sink);
  }
  [[nodiscard]] Briefs briefs() const { return testing::briefs(sink.calls); }
  [[nodiscard]] std::vector<Call>& calls() { return sink.calls; }

 private:
  Kind role_;

 public:
  Recorder sink;
  MysqlSession session;
  Nanoseconds now = 0;
  Next last;
};

inline std::vector<Call> replay(const Conversation& conversation, Kind role = Kind::server, Options options = {}) {
  Feeder feeder(role, options);
  feeder.say(conversation);
  feeder.close();
  return feeder.calls();
}

}  // namespace subfloor::protocols::mysql::testing
