// SPDX-License-Identifier: Apache-2.0
#include "protocols/http2/session.h"

#include <algorithm>
#include <utility>

namespace subfloor::protocols::http2 {
namespace {

constexpr std::uint64_t skip_threshold = 1024;     // fewer bytes are not worth a change of plan in the kernel
constexpr std::uint64_t search_limit = 1024 * 1024;  // bytes without any frame before giving up
constexpr std::uint8_t small_payload = 8;  // bytes of GOAWAY that mean something here; of RST_STREAM all four

bool carries_block(FrameType type) {
  return type == FrameType::headers || type == FrameType::push_promise || type == FrameType::continuation;
}

}  // namespace

Http2Session::Http2Session(const Options& options)
    : tolerant_(options.joined_late),
      inputs_{Input(options.joined_late), Input(options.joined_late)},
      calls_(options) {}

Next Http2Session::on_segment(const Segment& s, CallSink& sink) {
  if (!over_) {
    take(s.bytes, s, sink);
    if (s.length > s.bytes.size()) pass(s.length - s.bytes.size(), s, sink);
  }
  return over_ ? Next{*over_} : next(s.direction);
}

// Of DATA, what is left of the frame need not be copied; frames hardly ever are so large that this saves anything.
Next Http2Session::next(Direction d) {
  const Input& in = input(d);
  if (in.state != Input::State::payload || in.frame.type != FrameType::data || in.pad_length_next) return {};
  const std::uint64_t unneeded =
      in.content > 0 ? calls_.unneeded(d, in.frame.stream, in.content) : std::uint64_t{in.left};
  const std::uint64_t bytes = unneeded < in.content ? unneeded : in.left;
  return bytes < skip_threshold ? Next{} : Next{Next::Action::skip, bytes};
}

void Http2Session::take(std::string_view bytes, const Segment& s, CallSink& sink) {
  Input& in = input(s.direction);
  bool at_start = true;
  while (!bytes.empty() && !over_) {
    switch (in.state) {
      case Input::State::searching:
        if (!at_start) return;
        search(bytes, s, sink);
        if (in.state == Input::State::searching) return;
        break;
      case Input::State::start:
        in.state = bytes.front() == connection_preface.front() ? Input::State::preface : Input::State::header;
        break;
      case Input::State::preface: take_preface(bytes, s, sink); break;
      case Input::State::header: take_header(bytes, s, sink); break;
      case Input::State::payload: take_payload(bytes, s, sink); break;
    }
    at_start = false;
  }
}

void Http2Session::pass(std::uint64_t count, const Segment& s, CallSink& sink) {
  Input& in = input(s.direction);
  while (count > 0 && !over_) {
    if (in.state == Input::State::searching) return;
    if (in.state != Input::State::payload) return lose(s.direction, s.end, sink);
    pass_payload(count, s, sink);
  }
}

void Http2Session::search(std::string_view& bytes, const Segment& s, CallSink& sink) {
  Input& in = input(s.direction);
  if (bytes.starts_with(connection_preface)) {
    in.state = Input::State::preface;
  } else if (const Shape shape = shape_of(bytes, s.length); shape == Shape::strong || shape == Shape::weak) {
    in.state = Input::State::header;
  } else {
    in.ignored += s.length;
    if (!calls_.side_known() && in.ignored > search_limit) finish(Next::Action::invalid, s.end, sink);
    return;
  }
  in.held = 0;
  in.ignored = 0;
}

void Http2Session::take_preface(std::string_view& bytes, const Segment& s, CallSink& sink) {
  Input& in = input(s.direction);
  const std::size_t n = std::min(bytes.size(), connection_preface.size() - in.held);
  if (bytes.substr(0, n) != connection_preface.substr(in.held, n)) return fail(s.direction, s.end, sink);
  bytes.remove_prefix(n);
  in.held = static_cast<std::uint8_t>(in.held + n);
  if (in.held < connection_preface.size()) return;
  in.held = 0;
  in.state = Input::State::header;
  calls_.on_preface(s.direction);
}

void Http2Session::take_header(std::string_view& bytes, const Segment& s, CallSink& sink) {
  Input& in = input(s.direction);
  if (in.held == 0) {
    in.first = s;
    in.first.bytes = {};
    in.first.position = s.position_of(bytes);
  }
  const std::size_t n = std::min(bytes.size(), frame_header_size - in.held);
  std::copy_n(bytes.begin(), n, in.small.begin() + in.held);
  bytes.remove_prefix(n);
  in.held = static_cast<std::uint8_t>(in.held + n);
  if (in.held < frame_header_size) return;
  in.frame = parse_frame({in.small.data(), in.small.size()});
  begin_frame(s, sink);
}

void Http2Session::begin_frame(const Segment& s, CallSink& sink) {
  Input& in = input(s.direction);
  const Frame& frame = in.frame;
  const bool continues = frame.type == FrameType::continuation;
  const bool in_order = in.block_stream == 0 ? !continues || tolerant_ : continues && frame.stream == in.block_stream;
  if (!is_lawful(frame) || !in_order) return fail(s.direction, s.end, sink);
  in.state = Input::State::payload;
  in.held = 0;
  in.small_cut = false;
  in.left = in.content = frame.length;
  in.pad_length_next = false;
  in.fixed = 0;
  if (frame.type == FrameType::data) {
    in.pad_length_next = frame.has(flag_padded);
  } else if (carries_block(frame.type) && !begin_block(in)) {
    return fail(s.direction, s.end, sink);
  }
  const std::uint32_t before = in.fixed + (in.pad_length_next ? 1U : 0U);
  in.content -= std::min(in.content, before);
  if (in.left == 0) end_frame(s, sink);
}

// False where the frame is too short for what its flags promise.
bool Http2Session::begin_block(Input& in) {
  const Frame& frame = in.frame;
  if (frame.type == FrameType::continuation) {
    if (in.block_stream == 0) in.headers.forget();  // joined within a block
    return true;
  }
  in.pad_length_next = frame.has(flag_padded);
  if (frame.type == FrameType::headers && frame.has(flag_priority)) in.fixed = 5;
  if (frame.type == FrameType::push_promise) in.fixed = 4;
  in.block_stream = frame.stream;
  in.block_ends_stream = frame.type == FrameType::headers && frame.has(flag_end_stream);
  in.block_is_pushed = frame.type == FrameType::push_promise;
  in.block_first = in.first;
  in.headers.begin();
  return frame.length >= in.fixed + (in.pad_length_next ? 1U : 0U);
}

void Http2Session::take_payload(std::string_view& bytes, const Segment& s, CallSink& sink) {
  Input& in = input(s.direction);
  const std::string_view piece = bytes.substr(0, in.left);
  bytes.remove_prefix(piece.size());
  in.left -= static_cast<std::uint32_t>(piece.size());
  if (in.frame.type == FrameType::data || carries_block(in.frame.type)) {
    if (!take_padded(piece, s)) return fail(s.direction, s.end, sink);
  } else if (in.held < small_payload) {
    const std::size_t n = std::min<std::size_t>(piece.size(), small_payload - in.held);
    std::copy_n(piece.begin(), n, in.small.begin() + in.held);
    in.held = static_cast<std::uint8_t>(in.held + n);
  }
  if (in.left == 0) end_frame(s, sink);
}

// False where there is more padding than payload.
bool Http2Session::take_padded(std::string_view piece, const Segment& s) {
  Input& in = input(s.direction);
  if (in.pad_length_next) {
    const auto padding = static_cast<std::uint8_t>(piece.front());
    piece.remove_prefix(1);
    in.pad_length_next = false;
    if (padding > in.content) return false;
    in.content -= padding;
  }
  const std::size_t fixed = std::min<std::size_t>(in.fixed, piece.size());
  in.fixed = static_cast<std::uint8_t>(in.fixed - fixed);
  piece.remove_prefix(fixed);
  piece = piece.substr(0, in.content);
  in.content -= static_cast<std::uint32_t>(piece.size());
  if (!piece.empty()) take_content(piece, s);
  return true;
}

void Http2Session::take_content(std::string_view piece, const Segment& s) {
  Input& in = input(s.direction);
  if (in.frame.type == FrameType::data) {
    calls_.on_data(s.direction, in.frame.stream, piece, piece.size(), s.end);
  } else if (in.block_stream != 0) {
    in.headers.take(piece, calls_.plan());
  }
}

void Http2Session::pass_payload(std::uint64_t& count, const Segment& s, CallSink& sink) {
  Input& in = input(s.direction);
  const auto n = static_cast<std::uint32_t>(std::min<std::uint64_t>(count, in.left));
  count -= n;
  in.left -= n;
  in.small_cut = true;
  const std::uint32_t before = in.fixed + (in.pad_length_next ? 1U : 0U);
  const std::uint32_t content = std::min(in.content, n - std::min(n, before));
  in.fixed = 0;
  in.pad_length_next = false;  // how much of it is padding nobody knows
  in.content -= content;
  if (in.frame.type == FrameType::data) {
    if (content > 0) calls_.on_data(s.direction, in.frame.stream, {}, content, s.end);
  } else if (carries_block(in.frame.type) && content > 0) {
    in.headers.forget();
  }
  if (in.left == 0) end_frame(s, sink);
}

void Http2Session::end_frame(const Segment& s, CallSink& sink) {
  Input& in = input(s.direction);
  in.state = Input::State::header;
  const Frame frame = in.frame;
  if (carries_block(frame.type)) {
    if (frame.has(flag_end_headers)) end_block(s, sink);
  } else if (frame.type == FrameType::data) {
    if (frame.length == 0) calls_.on_data(s.direction, frame.stream, {}, 0, s.end);
    if (frame.has(flag_end_stream)) calls_.on_end_stream(s.direction, frame.stream, s.end, sink);
  } else {
    end_small(s, sink);
  }
  in.held = 0;
}

void Http2Session::end_small(const Segment& s, CallSink& sink) {
  Input& in = input(s.direction);
  const std::string_view payload(in.small.data(), in.held);
  if (in.frame.type == FrameType::rst_stream) {
    std::optional<std::uint32_t> code;
    if (payload.size() >= 4 && !in.small_cut) code = read_u32(payload);
    calls_.on_reset(s.direction, in.frame.stream, code, s.end, sink);
  } else if (in.frame.type == FrameType::goaway && payload.size() == small_payload && !in.small_cut) {
    calls_.on_goaway(s.direction, read_u32(payload) & 0x7fffffff, read_u32(payload.substr(4)), s.end, sink);
  }
}

void Http2Session::end_block(const Segment& s, CallSink& sink) {
  Input& in = input(s.direction);
  if (in.block_stream == 0) return;
  in.headers.end();
  const std::uint32_t stream = std::exchange(in.block_stream, 0);
  if (in.headers.hopeless()) return finish(Next::Action::invalid, s.end, sink);
  if (!in.block_is_pushed)
    calls_.on_headers(s.direction, stream, in.block_ends_stream, in.headers.block(), in.block_first, s.end, sink);
  in.headers.block().clear();  // what was a secret waits nowhere for the next block
}

void Http2Session::lose(Direction d, Nanoseconds when, CallSink& sink) {
  Input& in = input(d);
  tolerant_ = true;
  in.headers.forget();
  if (in.block_stream != 0 && !in.block_is_pushed) {  // it was there, and what was read of it is certain
    calls_.on_headers(d, in.block_stream, false, in.headers.block(), in.block_first, when, sink);
  }
  in.headers.block().clear();
  in.block_stream = 0;
  in.state = Input::State::searching;
  in.held = 0;
  calls_.on_lost(d);
}

// These bytes are not what HTTP/2 has in this place.
void Http2Session::fail(Direction d, Nanoseconds when, CallSink& sink) {
  if (!tolerant_) return finish(Next::Action::invalid, when, sink);
  lose(d, when, sink);
}

void Http2Session::on_lost(Direction direction, Nanoseconds when, CallSink& sink) {
  if (!over_) lose(direction, when, sink);
}

void Http2Session::on_close(Nanoseconds when, CallSink& sink) {
  if (!over_) finish(Next::Action::invalid, when, sink);
}

void Http2Session::on_tick(Nanoseconds now, CallSink& sink) {
  if (!over_) calls_.on_tick(now, sink);
}

void Http2Session::finish(Next::Action action, Nanoseconds when, CallSink& sink) {
  if (over_) return;
  over_ = action;
  calls_.on_close(when, sink);
}

}  // namespace subfloor::protocols::http2
