// SPDX-License-Identifier: Apache-2.0
// One connection end that speaks HTTP/1.x: the messages of both directions, paired into calls. See README.md for the
// rules.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/secret.h"
#include "protocols/http1/body.h"
#include "protocols/http1/head.h"
#include "protocols/http1/pairing.h"
#include "protocols/session.h"

namespace subfloor::protocols::http1 {

// What one session may hold at most, whatever the peer sends: heads in the making, outstanding calls, and slack of
// containers that double.
inline constexpr std::size_t session_memory_limit = 1536 * 1024;

class Http1Session final : public Session {
 public:
  explicit Http1Session(const Options& options);

  [[nodiscard]] Next on_segment(const Segment& segment, CallSink& sink) override;
  void on_lost(Direction direction, Nanoseconds when, CallSink& sink) override;
  void on_close(Nanoseconds when, CallSink& sink) override;
  void keep_headers(bool keep) override { keep_headers_ = keep; }
  [[nodiscard]] std::unique_ptr<Call> take_request() override { return std::move(upgraded_); }
  [[nodiscard]] std::size_t active(Kind kind) const override;

  // Something was missing or could not be read, so messages may have to be searched for at the beginning of segments:
  // from here on the result may depend on how the stream was cut.
  [[nodiscard]] bool depends_on_segments() const { return tolerant_; }

 private:
  // One direction.
  struct Stream {
    enum class State : std::uint8_t {
      idle,  // a message begins with the next byte
      head,
      body,
      searching,  // framing was lost: a message may begin with the next segment
    };
    State state = State::idle;
    bool tentative = false;  // the head in the making was found by searching and may turn out not to be one
    bool open = false;  // a message has had its head and not its end
    bool switches = false;  // the message in the making ends HTTP on this connection
    bool follows = false;  // it began in the middle of a segment, directly after another
    bool line_checked = false;  // its start line, in the buffer, is complete and right
    std::uint8_t blank = 0;  // empty line bytes before the message
    Nanoseconds last = 0;  // last byte of the open message, or that may belong to it
    Nanoseconds heard = 0;  // last byte of all
    std::uint64_t ignored = 0;  // bytes searched in vain since the last message
    Segment first;  // times and thread of the message's first byte (no content)
    Exchange* exchange = nullptr;  // of the open message; null where nobody waits for it
    Body body;
    SecretString buffer;  // a head that came in pieces
    HeadEnd head_end;
  };

  Stream& stream(Direction d) { return streams_[static_cast<std::size_t>(d)]; }
  [[nodiscard]] const Stream& stream(Direction d) const { return streams_[static_cast<std::size_t>(d)]; }
  bool is_request_side(Direction d) const { return request_side_ == d; }
  Stream& requests() { return stream(*request_side_); }
  Stream& responses() { return stream(opposite(*request_side_)); }

  void take(std::string_view bytes, const Segment& s, CallSink& sink);
  void pass(std::uint64_t count, const Segment& s, CallSink& sink);
  [[nodiscard]] Next next(const Stream& in) const;
  [[nodiscard]] Next last_word() const;

  // Heads.
  void begin_message(std::string_view& bytes, bool follows, const Segment& s, CallSink& sink);
  void continue_head(std::string_view& bytes, const Segment& s, CallSink& sink);
  [[nodiscard]] bool may_be_start(Parse parse, const StartLine& line, Direction d) const;
  [[nodiscard]] bool starts_message(std::string_view bytes, Direction d) const;
  [[nodiscard]] bool still_plausible(std::size_t fresh, Direction d);
  void on_head(const Head& head, const Segment& s, CallSink& sink);
  void on_request(const Head& head, const Segment& s, CallSink& sink);
  void on_response(const Head& head, const Segment& s, CallSink& sink);
  [[nodiscard]] bool hand_over(const Segment& s, CallSink& sink);
  void on_cut_head(Direction d, Partial why, CallSink& sink);
  void learn_sides(const StartLine& line, Direction d);
  Exchange& open_request(const Head& head, std::size_t size, CallSink& sink);
  void take_fields(Call& call, HeaderList& into);
  Exchange* open_response(const Head& head, std::size_t size, CallSink& sink);

  // Bodies and ends (session_ends.cpp).
  void on_progress(Body::Progress progress, const Segment& s, CallSink& sink);
  void complete(Direction d, Nanoseconds end, CallSink& sink);
  void complete_response(Exchange& exchange, const Body& body, Nanoseconds end, CallSink& sink);
  void settle_before_request(CallSink& sink);
  void settle_unsure(CallSink& sink);
  void settle_early_response(Exchange& exchange, CallSink& sink);
  void settle_orphan(CallSink& sink);
  void keep_within_limits(CallSink& sink);
  void lose(Direction d, CallSink& sink);
  void fail(Direction d, Nanoseconds when, CallSink& sink);
  void end_stream(Direction d, CallSink& sink);
  void end_all(Nanoseconds when, CallSink& sink);
  void finish(Next::Action action, Nanoseconds when, CallSink& sink);
  [[nodiscard]] Partial reason_for_gaps() const { return lost_any_ ? partial_lost : partial_joined_late; }

  static void release_buffer(Stream& of);
  [[nodiscard]] FieldStore store() { return {fields_, keep_headers_, header_limit_, pairing_.tells_clients()}; }

  bool keep_headers_;
  const std::size_t header_limit_;
  bool lost_any_ = false;
  bool tolerant_;  // bytes that are no message may be there for want of others: search, don't give up
  bool settled_;  // no request from before the first one seen can be waiting for its response
  bool pipelined_ = false;  // the peer has been seen to send requests without waiting for responses
  std::optional<Direction> request_side_;
  bool asks_depth_ = false;  // HTTP/2 was asked for just now: its frames begin anywhere in a transfer
  std::optional<Next::Action> over_;
  std::size_t taken_ = 0;  // bytes of the present segment that are HTTP/1.x
  std::unique_ptr<Call> upgraded_;  // the request that another protocol answers
  std::array<Stream, 2> streams_;
  Pairing pairing_;
  HeaderList fields_;  // of the head being parsed
};

}  // namespace subfloor::protocols::http1
