// SPDX-License-Identifier: Apache-2.0
// What happens on the streams of one connection, made into calls. Knows nothing of bytes or frames.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "model/call.h"
#include "protocols/http2/header_reader.h"
#include "protocols/http2/stream_table.h"
#include "protocols/session.h"

namespace subfloor::protocols::http2 {

inline constexpr Protocol protocol{"http2", &http_family};

class Calls {
 public:
  explicit Calls(const Options& options);

  // One side sent the connection preface: requests come from there.
  void on_preface(Direction d) { request_side_ = d; }
  // A header block ended. `first`: times and thread of its first byte; `end`: of its last byte.
  void on_headers(Direction d, std::uint32_t id, bool end_stream, HeaderBlock& block, const Segment& first,
                  Nanoseconds end, CallSink& sink);
  // Content of a DATA frame: `bytes` of the `length` that passed, which may be fewer.
  void on_data(Direction d, std::uint32_t id, std::string_view bytes, std::uint64_t length, Nanoseconds end);
  void on_end_stream(Direction d, std::uint32_t id, Nanoseconds end, CallSink& sink);
  // `code`: nothing where it was not copied.
  void on_reset(Direction d, std::uint32_t id, std::optional<std::uint32_t> code, Nanoseconds end, CallSink& sink);
  // The sender `d` will not look at streams of its peer beyond `last`.
  void on_goaway(Direction d, std::uint32_t last, std::uint32_t code, Nanoseconds end, CallSink& sink);
  void on_lost(Direction d);
  void on_close(Nanoseconds when, CallSink& sink);
  void on_tick(Nanoseconds now, CallSink& sink);

  void set_keep_headers(bool keep) { plan_.keep_all = keep; }
  [[nodiscard]] const HeaderPlan& plan() const { return plan_; }
  // How many of the next `left` bytes of the stream's DATA nobody wants to see.
  [[nodiscard]] std::uint64_t unneeded(Direction d, std::uint32_t id, std::uint64_t left);
  [[nodiscard]] std::size_t active(Kind kind) const;
  [[nodiscard]] bool side_known() const { return request_side_.has_value(); }

 private:
  [[nodiscard]] bool is_server() const { return request_side_ == Direction::inbound; }
  [[nodiscard]] bool is_request(Direction d) const { return request_side_ == d; }
  [[nodiscard]] Half& half(Stream& stream, Direction d) { return is_request(d) ? stream.request : stream.response; }

  void learn_side(Direction d, const HeaderBlock& block);
  void on_request(Stream* stream, std::uint32_t id, HeaderBlock& block, const Segment& first, Nanoseconds end,
                  CallSink& sink);
  Stream* on_response(Stream* stream, std::uint32_t id, HeaderBlock& block, const Segment& first, Nanoseconds end,
                      CallSink& sink);
  void begin_request(Stream& stream, HeaderBlock& block, const Segment& first);
  void begin_response(Stream& stream, HeaderBlock& block, const Segment& first);
  static void add_trailers(Stream& stream, const HeaderBlock& block);
  void take_fields(HeaderBlock& block, Call& call, HeaderList& into);
  [[nodiscard]] Stream& open(std::uint32_t id, CallSink& sink);
  [[nodiscard]] bool was_told(std::uint32_t id) const;
  void remember(std::uint32_t id);
  void settle_held(std::uint32_t before, CallSink& sink);
  [[nodiscard]] bool is_whole(const Stream& stream) const;
  void give_if_whole(Stream& stream, CallSink& sink);
  // Gives it before it is whole.
  void abandon(Stream& stream, std::uint8_t why, Nanoseconds end, CallSink& sink);
  void give(Stream& stream, CallSink& sink);
  void settle(Stream& stream);

  HeaderPlan plan_;
  bool may_miss_requests_;
  std::uint8_t missing_;  // why a request may not have been seen
  std::optional<Kind> kind_;
  std::optional<Direction> request_side_;
  std::uint32_t last_request_ = 0;  // highest id of those seen
  std::uint32_t dropped_up_to_ = 0;  // ids up to here were given, or are in the table
  std::array<std::uint32_t, 64> told_{};  // ids that were given before they were over
  std::size_t told_next_ = 0;
  std::size_t held_ = 0;  // responses that came before their requests
  StreamTable streams_;
};

}  // namespace subfloor::protocols::http2
