// SPDX-License-Identifier: Apache-2.0
// What a protocol is to the rest of Subfloor: bytes of both directions of one connection in, calls out.
// No I/O, no BPF. A folder below src/protocols with a `const Descriptor <folder>_descriptor` is all there is to adding
// one; the build makes the table in `all_protocols()` from the folder names.
#pragma once

#include <cstdint>
#include <memory>
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

// Consecutive bytes of one direction: in order, each byte once.
struct Segment {
  Direction direction = Direction::inbound;
  std::string_view bytes = {};  // content of the first bytes.size() of them; valid only during the call
  std::uint64_t length = 0;   // how many passed: >= bytes.size(); the rest was not copied
  Nanoseconds begin = 0;      // when the transfer began (system call entered)
  Nanoseconds end = 0;        // when it was complete
  std::uint32_t pid = 0, tid = 0;
};

// What the session wants of the stream next, in the direction of the segment just given.
struct Next {
  enum class Action : std::uint8_t {
    more,     // go on copying
    skip,     // the content of the `bytes` bytes after this segment is not needed; only their count and time
    invalid,  // not this protocol (any more): the connection may be offered to others, or switched off
    opaque,   // the connection now carries something nobody here parses (WebSocket, CONNECT): switch it off
  };
  Action action = Action::more;
  std::uint64_t bytes = 0;
};

// Receives finished calls. The call is the session's own and is reused after return; take what is needed.
// The receiver may change it (redaction).
class CallSink {
 public:
  virtual void on_call(Call& call) = 0;

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

  // Whether somebody wants the header fields of calls. Where not, only those are stored that trace context and metrics
  // need, and Call::headers_kept says so.
  virtual void keep_headers(bool /*keep*/) {}

  // Requests begun and not yet answered, for the gauge of active requests, as server and as client.
  [[nodiscard]] virtual std::size_t active(Kind kind) const = 0;
};

// Does this content, the first seen of a direction (or the first after a resynchronisation), look like the protocol?
enum class Guess : std::uint8_t { no, maybe_with_more, yes };

struct Options {
  bool joined_late = false;  // the beginning of the connection was not seen
  bool keep_headers = true;  // as in Session::keep_headers
  std::size_t header_limit = 4096;  // bytes of header fields kept per message
};

struct Descriptor {
  std::string_view name;  // the folder's name
  Guess (*recognise)(std::string_view bytes);
  std::unique_ptr<Session> (*open)(const Options& options);
};

// Generated from the folder names.
[[nodiscard]] std::span<const Descriptor* const> all_protocols();

}  // namespace subfloor::protocols
