// SPDX-License-Identifier: Apache-2.0
// What a kernel tells of a few sockets, in any order, with losses, repetitions and wishes it obeys late or never.
// The content of each direction is a function of its place in the stream, so that a protocol that only looks on can
// tell whether every byte comes once, in order, and every gap with its length. Every other input tells lies instead, of
// everything, to the real protocols: these must only survive it.
#include <fuzzer/FuzzedDataProvider.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "base/fuzzing.h"
#include "streams/streams.h"

namespace {

using namespace subfloor;
using namespace subfloor::streams;
using fuzzing::require;
using protocols::Direction;
using protocols::Next;

constexpr std::array<unsigned, 2> periods{251, 241};  // of the content, by direction: primes, unlike any usual length
constexpr std::size_t keys = 4;

char content_at(bool outbound, std::uint64_t place) { return static_cast<char>(place % periods[outbound]); }

// What the session on watch wishes next, and how the protocol is recognised: part of the input.
struct Wishes {
  std::size_t recognised_at = 0;  // bytes it takes to tell; 65: never
  std::uint8_t every = 0;  // every so many segments, a wish:
  Next::Action action = Next::Action::more;
  std::uint64_t skip = 0;
} wishes;

std::array<std::uint64_t, 2> passed;  // bytes, of all sockets, by direction

class Witness final : public protocols::Session {
 public:
  Next on_segment(const protocols::Segment& segment, protocols::CallSink&) override {
    const bool outbound = segment.direction == Direction::outbound;
    require(!closed_);
    require(segment.length > 0 && segment.bytes.size() <= segment.length);
    std::optional<std::uint64_t>& place = place_[outbound];
    for (std::size_t i = 0; i < segment.bytes.size(); ++i) {
      const auto byte = static_cast<unsigned char>(segment.bytes[i]);
      if (!place) place = byte - i;  // modulo the period, which is all that is asked
      require(byte == (*place + i) % periods[outbound]);
    }
    if (place) *place = (*place + segment.length) % periods[outbound];
    heard_[outbound] += segment.length;
    require(heard_[outbound] <= passed[outbound]);
    if (wishes.every == 0 || ++segments_ % wishes.every != 0) return {};
    return {wishes.action, wishes.skip};
  }
  void on_lost(Direction direction, Nanoseconds, protocols::CallSink&) override {
    place_[direction == Direction::outbound].reset();
  }
  void on_close(Nanoseconds, protocols::CallSink&) override {
    require(!closed_);
    closed_ = true;
  }
  [[nodiscard]] std::size_t active(Kind) const override { return closed_ ? 0 : 1; }

 private:
  std::array<std::optional<std::uint64_t>, 2> place_;
  std::array<std::uint64_t, 2> heard_{};
  unsigned segments_ = 0;
  bool closed_ = false;
};

protocols::Guess recognise(const protocols::Opening& opening) {
  const std::string_view bytes = opening.bytes;
  if (bytes.size() >= wishes.recognised_at) return protocols::Guess::yes;
  return wishes.recognised_at > 64 ? protocols::Guess::no : protocols::Guess::maybe_with_more;
}

std::unique_ptr<protocols::Session> open(const protocols::Options&) { return std::make_unique<Witness>(); }

constexpr Family witness_family{.name = "witness"};
constexpr Protocol witness_protocol{"witness", &witness_family};
constexpr protocols::Descriptor witness{&witness_protocol, recognise, open};
constexpr const protocols::Descriptor* only_witness[] = {&witness};

// The kernel's side of the bargain, of one direction of one socket.
struct Side {
  std::uint32_t base = 0;  // sequence number of place 0
  std::uint64_t place = 0;  // of the next byte
  std::uint64_t told = 0;  // where the last record ended
  std::optional<std::uint32_t> skip_until = {};

  [[nodiscard]] std::uint32_t position() const { return base + static_cast<std::uint32_t>(place); }
};

struct Socket {
  bool is_unix = false;
  std::array<Side, 2> sides;
};

class Kernel final : public sensors::Steering {
 public:
  void skip_until(SocketKey key, bool outbound, std::uint32_t position) override {
    Side& side = sockets.at(key - 1).sides[outbound];
    require(static_cast<std::int32_t>(position - side.position()) <= (1 << 30));
    side.skip_until = position;
  }
  void copy(SocketKey key, bool outbound) override { sockets.at(key - 1).sides[outbound].skip_until.reset(); }
  void copy_deep(SocketKey, bool) override {}
  void copy_at_most(SocketKey, bool, std::uint16_t bytes) override { require(bytes > 0); }
  void off(SocketKey key) override { require(key >= 1 && key <= keys); }
  void forget(SocketKey key) override { require(key >= 1 && key <= keys); }

  std::array<Socket, keys> sockets;
};

class Receiver final : public CallReceiver {
 public:
  void on_call(Call&, const Connection&, std::uint32_t, std::uint32_t) override {}
};

class Play {
 public:
  explicit Play(FuzzedDataProvider& input) : input_(input), streams_({.protocols = only_witness}, &kernel_, receiver_) {
    for (Socket& socket : kernel_.sockets) restart(socket);
  }

  void run() {
    while (input_.remaining_bytes() > 0) {
      now_ += 1 + input_.ConsumeIntegral<std::uint8_t>();
      step();
      require(streams_.size() <= keys);
    }
    for (SocketKey key = 1; key <= keys; ++key) close(key, false);
    require(streams_.size() == 0 && streams_.active(Kind::server) == 0);
    require(streams_.connections_by_pid().empty());
  }

 private:
  void restart(Socket& socket) {
    socket.is_unix = input_.ConsumeBool();
    for (Side& side : socket.sides) side = {.base = input_.ConsumeIntegral<std::uint32_t>()};
  }

  void step() {
    const SocketKey key = 1 + input_.ConsumeIntegralInRange<std::uint64_t>(0, keys - 1);
    const bool outbound = input_.ConsumeBool();
    switch (input_.ConsumeIntegralInRange<int>(0, 11)) {
      case 0: open(key, input_.ConsumeBool()); break;
      case 1: close(key, input_.ConsumeBool()); break;
      case 2: lose(key, outbound); break;
      case 3: repeat(key, outbound); break;
      case 4: skip(key, outbound); break;
      case 5: streams_.tick(now_ += input_.ConsumeIntegral<std::uint32_t>() * Nanoseconds{1000}); break;
      case 6: census(key); break;
      case 7: streams_.on_retransmit(key); break;
      default: pass(key, outbound);
    }
  }

  void open(SocketKey key, bool late) {
    const Socket& socket = kernel_.sockets[key - 1];
    sensors::SocketOpened opened;
    opened.connection.key = key;
    opened.connection.transport = socket.is_unix ? Transport::unix_stream : Transport::tcp;
    opened.connection.joined_late = late;
    opened.connection.opened = late ? 0 : now_;
    opened.connection.local.port = static_cast<std::uint16_t>(key);
    opened.connection.remote.port = static_cast<std::uint16_t>(key ^ 1);
    opened.inbound_position = socket.sides[0].position();
    opened.outbound_position = socket.sides[1].position();
    if (socket.is_unix) opened.peer = ((key - 1) ^ 1) + 1;
    opened.pid = static_cast<std::uint32_t>(key);
    streams_.on_opened(opened);
  }

  void close(SocketKey key, bool told_where) {
    Socket& socket = kernel_.sockets[key - 1];
    const bool positions = told_where && !socket.is_unix;
    for (std::uint64_t& bytes : passed) bytes += positions ? 1 : 0;  // the end takes a number of its own
    streams_.on_closed({.key = key,
                        .when = now_,
                        .has_positions = positions,
                        .inbound_position = socket.sides[0].position() + 1,
                        .outbound_position = socket.sides[1].position() + 1});
    restart(socket);
  }

  // Bytes that no record tells of.
  void lose(SocketKey key, bool outbound) {
    Socket& socket = kernel_.sockets[key - 1];
    const Side& side = socket.sides[outbound];
    if (side.place - side.told > (1 << 30)) return;  // sequence numbers cannot tell of more
    if (!socket.is_unix) advance(socket, outbound, input_.ConsumeIntegralInRange<std::uint32_t>(1, 1 << 28));
  }

  // As the kernel does when told so: nothing more until the wanted byte.
  void skip(SocketKey key, bool outbound) {
    Socket& socket = kernel_.sockets[key - 1];
    const Side& side = socket.sides[outbound];
    if (!side.skip_until || socket.is_unix) return;
    const auto left = static_cast<std::int32_t>(*side.skip_until - side.position());
    if (left <= 0 || side.place - side.told > (1 << 30)) return;
    advance(socket, outbound, static_cast<std::uint32_t>(left));
    if (input_.ConsumeBool()) send(key, outbound, side.place, 0, 0);
  }

  void census(SocketKey held) {
    streams_.begin_census(now_);
    open(held, true);
    streams_.end_census(now_);
  }

  void pass(SocketKey key, bool outbound) {
    Socket& socket = kernel_.sockets[key - 1];
    const std::uint64_t from = socket.sides[outbound].place;
    const auto length = input_.ConsumeIntegralInRange<std::uint32_t>(1, 300);
    const auto copied = input_.ConsumeBool() ? length : input_.ConsumeIntegralInRange<std::uint32_t>(0, length);
    advance(socket, outbound, length);
    send(key, outbound, from, length, copied);
  }

  // Bytes told before, or some of them and some that were not (MSG_PEEK looks at what is there).
  void repeat(SocketKey key, bool outbound) {
    Socket& socket = kernel_.sockets[key - 1];
    if (socket.is_unix) return;
    Side& side = socket.sides[outbound];
    const auto behind = input_.ConsumeIntegralInRange<std::uint64_t>(0, std::min<std::uint64_t>(side.place, 300));
    const auto length = input_.ConsumeIntegralInRange<std::uint64_t>(1, 300);
    const std::uint64_t from = side.place - behind;
    if (from + length > side.place) advance(socket, outbound, static_cast<std::uint32_t>(from + length - side.place));
    send(key, outbound, from, static_cast<std::uint32_t>(length), static_cast<std::uint32_t>(length));
  }

  static void advance(Socket& socket, bool outbound, std::uint32_t bytes) {
    socket.sides[outbound].place += bytes;
    passed[outbound] += bytes;
  }

  void send(SocketKey key, bool outbound, std::uint64_t from, std::uint32_t length, std::uint32_t copied) {
    Socket& socket = kernel_.sockets[key - 1];
    socket.sides[outbound].told = socket.sides[outbound].place;
    std::string bytes(copied, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = content_at(outbound, from + i);
    streams_.on_data({.key = key,
                      .outbound = outbound,
                      .has_position = !socket.is_unix,
                      .position = socket.sides[outbound].base + static_cast<std::uint32_t>(from),
                      .length = length,
                      .bytes = bytes,
                      .other_position = socket.sides[!outbound].position(),
                      .begin = now_,
                      .end = now_,
                      .pid = static_cast<std::uint32_t>(key),
                      .tid = 1});
  }

  FuzzedDataProvider& input_;
  Kernel kernel_;
  Receiver receiver_;
  Streams streams_;
  Nanoseconds now_ = 1;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  wishes = {.recognised_at = input.ConsumeIntegralInRange<std::size_t>(0, 65),
            .every = input.ConsumeIntegral<std::uint8_t>(),
            .action = static_cast<Next::Action>(input.ConsumeIntegralInRange<int>(0, 3)),
            .skip = input.ConsumeIntegralInRange<std::uint64_t>(1, std::uint64_t{1} << 33)};
  passed = {};
  Play(input).run();
  return 0;
}
