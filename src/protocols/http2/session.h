// SPDX-License-Identifier: Apache-2.0
// One connection end that speaks HTTP/2: bytes of both directions to frames, whose meaning calls.h knows. See README.md
// for the rules.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocols/http2/calls.h"
#include "protocols/http2/frame.h"
#include "protocols/http2/header_reader.h"
#include "protocols/session.h"

namespace subfloor::protocols::http2 {

// What one session may hold at most, whatever the peers send: open streams with their headers, two tables of HPACK
// whose entries the library holds singly, and slack of containers that double.
inline constexpr std::size_t session_memory_limit = 6 * 1024 * 1024;

class Http2Session final : public Session {
 public:
  explicit Http2Session(const Options& options);

  [[nodiscard]] Next on_segment(const Segment& segment, CallSink& sink) override;
  void on_lost(Direction direction, Nanoseconds when, CallSink& sink) override;
  void on_close(Nanoseconds when, CallSink& sink) override;
  void on_tick(Nanoseconds now, CallSink& sink) override;
  void keep_headers(bool keep) override { calls_.set_keep_headers(keep); }
  [[nodiscard]] std::size_t active(Kind kind) const override { return over_ ? 0 : calls_.active(kind); }

  // Bytes held by the tables of HPACK.
  [[nodiscard]] std::size_t table_memory() const { return inputs_[0].headers.memory() + inputs_[1].headers.memory(); }

  // Something was missing or could not be read, so frames may have to be searched for at the beginning of segments:
  // from here on the result may depend on how the stream was cut.
  [[nodiscard]] bool depends_on_segments() const { return tolerant_; }

 private:
  // One direction.
  struct Input {
    enum class State : std::uint8_t {
      start,  // the preface or a frame
      preface,
      header,  // of a frame
      payload,
      searching,  // framing was lost: a frame may begin with the next segment
    };
    explicit Input(bool joined_late) : state(joined_late ? State::searching : State::start), headers(!joined_late) {}

    State state;
    std::uint8_t held = 0;  // bytes of the preface, of the frame's header, or of `small`
    std::array<char, frame_header_size> small{};  // a frame's header, or the fixed part of RST_STREAM and GOAWAY
    Frame frame;
    Segment first;  // times and thread of the frame's first byte (no content)
    std::uint32_t left = 0;  // of the payload
    std::uint32_t content = 0;  // of that, before padding
    std::uint8_t fixed = 0;  // bytes before the content that mean nothing here
    bool pad_length_next = false;
    bool small_cut = false;  // bytes of the fixed part were not copied
    // The header block in the making.
    std::uint32_t block_stream = 0;  // 0: none
    bool block_ends_stream = false, block_is_pushed = false;
    Segment block_first;
    HeaderReader headers;
    std::uint64_t ignored = 0;  // bytes searched in vain since the last frame
  };

  Input& input(Direction d) { return inputs_[static_cast<std::size_t>(d)]; }

  void take(std::string_view bytes, const Segment& s, CallSink& sink);
  void pass(std::uint64_t count, const Segment& s, CallSink& sink);
  void take_preface(std::string_view& bytes, const Segment& s, CallSink& sink);
  void take_header(std::string_view& bytes, const Segment& s, CallSink& sink);
  void search(std::string_view& bytes, const Segment& s, CallSink& sink);
  void begin_frame(const Segment& s, CallSink& sink);
  [[nodiscard]] bool begin_block(Input& in);
  void take_payload(std::string_view& bytes, const Segment& s, CallSink& sink);
  [[nodiscard]] bool take_padded(std::string_view piece, const Segment& s);
  void take_content(std::string_view piece, const Segment& s);
  void pass_payload(std::uint64_t& count, const Segment& s, CallSink& sink);
  void end_frame(const Segment& s, CallSink& sink);
  void end_block(const Segment& s, CallSink& sink);
  void end_small(const Segment& s, CallSink& sink);
  [[nodiscard]] Next next(Direction d);

  void lose(Direction d, Nanoseconds when, CallSink& sink);
  void fail(Direction d, Nanoseconds when, CallSink& sink);
  void finish(Next::Action action, Nanoseconds when, CallSink& sink);

  bool tolerant_;  // bytes that are no frame may be there for want of others: search, don't give up
  std::optional<Next::Action> over_;
  std::array<Input, 2> inputs_;
  Calls calls_;
};

}  // namespace subfloor::protocols::http2
