// SPDX-License-Identifier: Apache-2.0
// What a protocol is to the rest of Subfloor: bytes of both directions of one connection in, calls out.
// No I/O, no BPF. A folder below src/protocols with a `const Descriptor <folder>_descriptor` is all there is to adding
// one; the build makes the table in `all_protocols()` from the folder names.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "model/call.h"

namespace subfloor::protocols {

// As the process that holds this end of the connection sees it.
enum class Direction : std::uint8_t { inbound, outbound };
[[nodiscard]] constexpr Direction opposite(Direction d) {
  return d == Direction::inbound ? Direction::outbound : Direction::inbound;
}

// Consecutive bytes of one direction: in order, each byte once. Of UDP: one datagram.
struct Segment {
  Direction direction = Direction::inbound;
  std::string_view bytes = {};  // content of the first bytes.size() of them; valid only during the call
  std::uint64_t length = 0;   // how many passed: >= bytes.size(); the rest was not copied
  Nanoseconds begin = 0;      // when the transfer began (system call entered)
  Nanoseconds end = 0;        // when it was complete
  std::uint32_t pid = 0, tid = 0;
  std::uint32_t sleeps = 0;  // how often the thread had gone to sleep of its own accord; 0 where unknown
  // Of the first byte in its direction: TCP's sequence number, else a count. The other end has the same number for it.
  std::uint32_t position = 0;

  // Of the byte that `rest`, the end of `bytes`, begins with.
  [[nodiscard]] std::uint32_t position_of(std::string_view rest) const {
    return position + static_cast<std::uint32_t>(bytes.size() - rest.size());
  }
};

// What the session wants of the stream next, in the direction of the segment just given.
struct Next {
  enum class Action : std::uint8_t {
    more,  // go on copying
    skip,  // the content of the `bytes` bytes after this segment is not needed; only their count and time
    invalid,  // not this protocol (any more): the connection may be offered to others, or switched off
    opaque,  // the connection now carries something nobody here parses (WebSocket, TLS): switch it off
    hand_over,  // the first `bytes` bytes of the segment were this protocol's; what follows speaks `to`
  };
  Action action = Action::more;
  std::uint64_t bytes = 0;
  std::string_view to = {};  // hand_over: a protocol's name, static
  // opaque: what follows is TLS. Where its plaintext is seen, the session goes on with it; else it hears no more.
  bool tls = false;
  bool deep = false;  // from now on as with Descriptor::deep, for protocols of which only some connections need it
};

// Receives finished calls. The call is the session's own and is reused after return; take what is needed.
// The receiver may change it (redaction).
class CallSink {
 public:
  virtual void on_call(Call& call) = 0;
  // Of protocols whose requests may carry a trace context: the head of a request is there. The call is not finished,
  // and comes again, through on_call().
  virtual void on_request(const Call& /*call*/, Kind /*kind*/) {}

 protected:
  ~CallSink() = default;
};

class Session {
 public:
  virtual ~Session() = default;

  [[nodiscard]] virtual Next on_segment(const Segment& segment, CallSink& sink) = 0;

  // Bytes of one direction were lost between kernel and agent, an unknown number of them. (Bytes lost in a known
  // number arrive as a Segment without content, like bytes that were not copied.)
  virtual void on_lost(Direction direction, Nanoseconds when, CallSink& sink) = 0;

  // The connection ended (or the agent stops): give what is unfinished, marked partial. A reader until close ends here.
  virtual void on_close(Nanoseconds when, CallSink& sink) = 0;

  // Once a second or so: what has waited too long may be given up.
  virtual void on_tick(Nanoseconds /*now*/, CallSink& /*sink*/) {}

  // After hand_over: the request that asked for the other protocol, where that will answer it (h2c's stream 1). This
  // session does not tell of it any more. Null where there is none.
  [[nodiscard]] virtual std::unique_ptr<Call> take_request() { return nullptr; }

  // Whether somebody wants the header fields of calls. Where not, only those are stored that trace context and metrics
  // need, and Call::headers_kept says so.
  virtual void keep_headers(bool /*keep*/) {}

  // Requests begun and not yet answered, for the gauge of active requests, as server and as client.
  [[nodiscard]] virtual std::size_t active(Kind kind) const = 0;
};

// What there is to recognise a protocol by.
struct Opening {
  std::string_view bytes;  // the first seen of a direction, or the first after a resynchronisation: up to 64, or more
  std::string_view other = {};  // the last of the other direction that nobody recognised: up to 64 bytes, or empty
  Direction direction = Direction::inbound;  // of `bytes`
  bool whole = true;  // a message begins with `bytes`, as far as anybody knows: the stream's beginning was seen
  bool datagram = false;  // `bytes` are one datagram, or as much of it as was copied
  std::optional<Kind> kind = {};  // what this end is, where the kernel saw who connected
  std::uint16_t server_port = 0;  // a hint to break ties with, never more; 0 where unknown
};

// Does the content look like the protocol? The first `yes` in the order of names wins, then, once nobody asks for more,
// the first `likely`: content that others may have as well.
enum class Guess : std::uint8_t { no, maybe_with_more, likely, yes };

// What to tell of calls beyond what is always told: content that may be private, each asked for by the user.
struct Extras {
  bool query_text = false;  // sanitised statements of databases
  bool key_names = false;  // of Redis
  bool forwarded_for = false;  // client.address of HTTP calls, from X-Forwarded-For or Forwarded
  bool operator==(const Extras&) const = default;
};

struct Options {
  bool joined_late = false;  // the beginning of the connection was not seen
  bool keep_headers = true;  // as in Session::keep_headers
  std::size_t header_limit = 4096;  // bytes of header fields kept per message
  bool datagrams = false;  // each segment is a datagram
  std::optional<Kind> kind = {};  // as in Opening
  Extras extras = {};
  Call* request = nullptr;  // from the session that handed over: take_request(); good during open()
};

struct Descriptor {
  const Protocol* protocol;  // named as the folder
  Guess (*recognise)(const Opening& opening);
  std::unique_ptr<Session> (*open)(const Options& options);
  // Others whose calls its sessions tell: what is spoken on top of it.
  std::span<const Protocol* const> others = {};
  bool deep = false;  // messages begin anywhere in a transfer: all of its content is needed, not only its beginning
};

// Generated from the folder names.
[[nodiscard]] std::span<const Descriptor* const> all_protocols();

}  // namespace subfloor::protocols
