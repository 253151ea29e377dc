// SPDX-License-Identifier: Apache-2.0
// For the tests of streams: a kernel to steer, a receiver of calls, and a protocol whose bytes say what its session
// does.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "streams/streams.h"

namespace subfloor::streams::testing {

using Lines = std::vector<std::string>;

class FakeSteering final : public sensors::Steering {
 public:
  void skip_until(SocketKey key, bool outbound, std::uint32_t position) override {
    said.push_back(fmt::format("skip {} {} until {}", key, side(outbound), position));
  }
  void copy(SocketKey key, bool outbound) override { said.push_back(fmt::format("copy {} {}", key, side(outbound))); }
  void copy_at_most(SocketKey key, bool outbound, std::uint16_t bytes) override {
    said.push_back(fmt::format("copy {} of {} {}", bytes, key, side(outbound)));
  }
  void copy_deep(SocketKey key, bool deep) override {
    if (deep) said.push_back(fmt::format("deep {}", key));
  }
  void off(SocketKey key) override { said.push_back(fmt::format("off {}", key)); }
  void forget(SocketKey key) override { said.push_back(fmt::format("forget {}", key)); }

  Lines said;

 private:
  static std::string_view side(bool outbound) { return outbound ? "out" : "in"; }
};

struct Received {
  Call call;
  Connection connection;
  std::uint32_t pid = 0, peer_pid = 0;
};

class FakeReceiver final : public CallReceiver {
 public:
  void on_call(Call& call, const Connection& connection, std::uint32_t pid, std::uint32_t peer_pid) override {
    all.push_back({call, connection, pid, peer_pid});
  }

  std::vector<Received> all;
};

// What the toy's sessions were given, as "in 5 HELLO", "in 100 -" (length, then content), or "close at 7".
inline Lines toy_log;

inline constexpr Family toy_family{.name = "toy"};
inline constexpr Protocol toy{"toy", &toy_family};

// Speaks in words ended by ';'. A direction begins with "TOY;" unless the connection was joined late, when any segment
// that begins with it will do. Words: CALL (gives a call), SKIP<n> (n bytes behind it are not needed), ENOUGH (they are
// after all), BAD, OPAQUE, BECOME (what follows is the protocol "next", with a request that is not answered yet). A gap
// of 666 bytes is more than it can bear.
class ToySession final : public protocols::Session {
 public:
  explicit ToySession(const protocols::Options& options) {
    toy_log.push_back(options.joined_late ? "open late" : "open");
  }

  protocols::Next on_segment(const protocols::Segment& s, protocols::CallSink& sink) override {
    using Action = protocols::Next::Action;
    const bool outbound = s.direction == protocols::Direction::outbound;
    toy_log.push_back(fmt::format("{} {} {}", outbound ? "out" : "in", s.length, s.bytes.empty() ? "-" : s.bytes));
    std::uint64_t& unneeded = unneeded_[outbound ? 1 : 0];
    unneeded -= std::min(unneeded, s.length);
    if (s.bytes.empty() && s.length == 666) return {Action::invalid};
    for (std::string_view rest = s.bytes; !rest.empty();) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      const std::string_view word = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (word == "BAD") return {Action::invalid};
      if (word == "OPAQUE") return {Action::opaque};
      if (word == "BECOME") return {Action::hand_over, s.bytes.size() - rest.size(), "next"};
      if (word == "ENOUGH") unneeded = 0;
      if (word == "CALL") give("CALL", s.pid, s.end, sink);
      if (word.starts_with("SKIP")) std::from_chars(word.data() + 4, word.data() + word.size(), unneeded);
    }
    if (unneeded > 0) return {Action::skip, unneeded};
    return {};
  }

  void on_lost(protocols::Direction, Nanoseconds, protocols::CallSink&) override { toy_log.push_back("lost"); }
  void on_tick(Nanoseconds now, protocols::CallSink&) override {
    if (now == 4711) toy_log.push_back("tick");
  }
  std::unique_ptr<Call> take_request() override {
    auto request = std::make_unique<Call>();
    request->operation = "UPGRADE";
    return request;
  }
  void on_close(Nanoseconds when, protocols::CallSink& sink) override {
    toy_log.push_back(fmt::format("close at {}", when));
    give("UNFINISHED", 0, when, sink);
  }
  [[nodiscard]] std::size_t active(Kind kind) const override { return kind == Kind::server ? 1 : 0; }

 private:
  static void give(std::string_view operation, std::uint32_t pid, Nanoseconds when, protocols::CallSink& sink) {
    Call call;
    call.protocol = &toy;
    call.operation = operation;
    call.pid = pid;
    call.end = when;
    sink.on_call(call);
  }

  std::array<std::uint64_t, 2> unneeded_{};
};

inline protocols::Guess toy_recognise(const protocols::Opening& opening) {
  const std::string_view bytes = opening.bytes;
  constexpr std::string_view greeting = "TOY;";
  if (bytes.starts_with(greeting)) return protocols::Guess::yes;
  if (greeting.starts_with(bytes)) return protocols::Guess::maybe_with_more;
  return protocols::Guess::no;
}

inline std::unique_ptr<protocols::Session> toy_open(const protocols::Options& options) {
  return std::make_unique<ToySession>(options);
}

inline constexpr protocols::Descriptor toy_descriptor{&toy, toy_recognise, toy_open};
inline constexpr const protocols::Descriptor* only_toy[] = {&toy_descriptor};

// What the toy becomes. It is told from content only where the toy does not want it, and where the other direction's
// says so.
class NextSession final : public protocols::Session {
 public:
  explicit NextSession(const protocols::Options& options) {
    toy_log.push_back("next for " + (options.request != nullptr ? options.request->operation : "nobody"));
  }
  protocols::Next on_segment(const protocols::Segment& s, protocols::CallSink&) override {
    toy_log.push_back(fmt::format("next {} {}", s.length, s.bytes));
    return {};
  }
  void on_lost(protocols::Direction, Nanoseconds, protocols::CallSink&) override {}
  void on_close(Nanoseconds, protocols::CallSink&) override {}
  [[nodiscard]] std::size_t active(Kind) const override { return 0; }
};

inline constexpr Protocol next_protocol{"next", &toy_family};
inline constexpr protocols::Descriptor next_descriptor{
    &next_protocol,
    [](const protocols::Opening& opening) {
      if (opening.bytes.starts_with("T")) return protocols::Guess::likely;
      return opening.other.starts_with("hint") && opening.bytes.starts_with("N") ? protocols::Guess::yes
                                                                                 : protocols::Guess::no;
    },
    [](const protocols::Options& options) -> std::unique_ptr<protocols::Session> {
      return std::make_unique<NextSession>(options);
    }};
inline constexpr const protocols::Descriptor* toy_and_next[] = {&next_descriptor, &toy_descriptor};

// 10.0.0.<host>:<port>
inline Address address(std::uint8_t host, std::uint16_t port) {
  return {.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, host}, .port = port};
}
inline Address loopback(std::uint16_t port) {
  return {.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}, .port = port};
}

inline Connection between(const Address& local, const Address& remote, std::uint32_t net_namespace = 0) {
  Connection made;
  made.local = local;
  made.remote = remote;
  made.net_namespace = net_namespace;
  return made;
}

inline Connection joined_late() {
  Connection made;
  made.joined_late = true;
  return made;
}

// One end of a connection: keeps count of its positions, tells streams what a sensor would.
class End {
 public:
  End(Streams& streams, SocketKey key, std::uint32_t pid, std::uint32_t inbound = 1000, std::uint32_t outbound = 5000)
      : streams_(streams), key_(key), pid_(pid), at_{inbound, outbound} {}

  // At the positions where it stands.
  void open(const Connection& description = {}, std::uint32_t holder = 0) {
    sensors::SocketOpened opened;
    opened.connection = description;
    opened.connection.key = key_;
    opened.pid = holder;
    opened.inbound_position = at_[0];
    opened.outbound_position = at_[1];
    streams_.on_opened(opened);
  }

  // Bytes pass, all of them copied unless `length` says that more did.
  void in(std::string_view bytes, std::uint64_t length = 0) { pass(false, bytes, std::max(length, bytes.size())); }
  void out(std::string_view bytes, std::uint64_t length = 0) { pass(true, bytes, std::max(length, bytes.size())); }

  // Bytes pass and nothing is told of them.
  void silent(bool outbound, std::uint32_t bytes) { at_[outbound] += bytes; }
  // The record that ends a skip where no byte of the transfer lies behind it.
  void nothing(bool outbound) { send(outbound, at_[outbound], "", 0); }
  // A record of bytes that passed before: they end `behind` before the present position.
  void again(bool outbound, std::string_view bytes, std::uint32_t behind = 0) {
    send(outbound, at_[outbound] - behind - static_cast<std::uint32_t>(bytes.size()), bytes, bytes.size());
  }
  // Positions as the kernel gives them, beyond the FINs of both sides.
  void close(std::uint32_t inbound_fin = 1, std::uint32_t outbound_fin = 1) {
    streams_.on_closed({.key = key_,
                        .when = ++now,
                        .srtt_us = 42,
                        .retransmits = 3,
                        .has_positions = true,
                        .inbound_position = at_[0] + inbound_fin,
                        .outbound_position = at_[1] + outbound_fin});
  }

  [[nodiscard]] std::uint32_t position(bool outbound) const { return at_[outbound]; }

  Nanoseconds now = 0;  // the next record is of one later

 private:
  void pass(bool outbound, std::string_view bytes, std::uint64_t length) {
    const std::uint32_t position = at_[outbound];
    at_[outbound] += static_cast<std::uint32_t>(length);
    send(outbound, position, bytes, length);
  }
  void send(bool outbound, std::uint32_t position, std::string_view bytes, std::uint64_t length) {
    ++now;
    streams_.on_data({.key = key_,
                      .outbound = outbound,
                      .has_position = true,
                      .position = position,
                      .length = length,
                      .bytes = bytes,
                      .other_position = at_[!outbound],
                      .begin = now,
                      .end = now,
                      .pid = pid_,
                      .tid = pid_});
  }

  Streams& streams_;
  SocketKey key_;
  std::uint32_t pid_;
  std::uint32_t at_[2];
};

}  // namespace subfloor::streams::testing
