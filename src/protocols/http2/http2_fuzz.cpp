// SPDX-License-Identifier: Apache-2.0
// The input is a conversation: a byte of options, then steps. A step is a byte that says what happens (bit 0 direction,
// bits 1-3 what: content, frames of a given type, a gap, a loss, a tick), a length byte, and that many bytes. Checked
// besides memory safety: bounds, sanity of every call, that no call is told twice, and that cutting the same stream
// elsewhere gives the same calls.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzzing.h"
#include "protocols/http2/frame.h"
#include "protocols/http2/http2.h"
#include "protocols/http2/session.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using fuzzing::require;

struct Step {
  enum class What : std::uint8_t { content, lost, tick } what = What::content;
  Direction direction = Direction::inbound;
  std::string bytes;
  std::uint64_t gap = 0;
};

class Checker final : public CallSink {
 public:
  void on_call(Call& call) override {
    require(!over);
    const bool grpc = call.protocol == &http2::grpc::protocol;
    require(grpc || call.protocol == &http2::protocol);
    require(call.partial < 64);
    require(!call.status || grpc || (*call.status >= 100 && *call.status <= 999));
    require(!call.status || !grpc || *call.status >= 0);
    require(!call.operation.empty() || call.partial != 0 || grpc || call.request_end != 0);
    require(call.status || call.partial != 0 || !call.error.empty());
    require(call.operation.size() <= http2::pseudo_limit &&
            call.path.size() + call.query.size() <= http2::pseudo_limit);
    require(call.request_body_bytes + call.response_body_bytes <= passed);
    require(call.start <= now && call.end <= now && call.first_byte <= now);
    std::string text(call.protocol->name);
    text += call.operation + ' ' + call.path + '?' + call.query + ' ' + std::to_string(call.status.value_or(-1)) + ' ' +
            call.error + ' ' + std::to_string(call.start) + ' ' + std::to_string(call.request_end) + ' ' +
            std::to_string(call.first_byte) + ' ' + std::to_string(call.end) + ' ' +
            std::to_string(call.request_body_bytes) + ' ' + std::to_string(call.response_body_bytes) + ' ' +
            std::to_string(call.partial) + ' ' + fields(call.request_headers) + '|' + fields(call.response_headers);
    call.attributes.append_to(text, Use::record);
    texts.push_back(std::move(text));
  }

  std::uint64_t passed = 0;
  Nanoseconds now = 0;
  bool over = false;
  std::vector<std::string> texts;

 private:
  static std::string fields(const HeaderList& list) {
    std::string text;
    for (std::size_t i = 0; i < list.size(); ++i)
      text.append(list[i].name).append(":").append(list[i].value).append(";");
    require(text.size() <= 4096 + http2::pseudo_limit + 16);
    return text;
  }
};

struct Run {
  Checker checker;
  bool depends_on_segments = false;
};

Run replay(const Options& options, const std::vector<Step>& steps, std::size_t piece) {
  Run run;
  http2::Http2Session session(options);
  Nanoseconds now = 1000;
  for (const Step& step : steps) {
    now += 100;
    run.checker.now = now + 50;
    if (step.what == Step::What::lost) {
      session.on_lost(step.direction, now, run.checker);
      continue;
    }
    if (step.what == Step::What::tick) {
      session.on_tick(now, run.checker);
      continue;
    }
    Segment segment{step.direction, step.bytes, step.bytes.size() + step.gap, now, now + 50, 7, 8};
    run.checker.passed += segment.length;
    std::string_view rest = step.bytes;
    while (piece > 0 && rest.size() > piece) {
      segment.bytes = rest.substr(0, piece);
      segment.length = piece;
      (void)session.on_segment(segment, run.checker);
      rest.remove_prefix(piece);
    }
    segment.bytes = rest;
    segment.length = rest.size() + step.gap;
    const Next next = session.on_segment(segment, run.checker);
    require(next.action != Next::Action::skip || (next.bytes >= 1024 && next.bytes <= 0xffffff));
    require(next.action != Next::Action::hand_over);
    require(session.active(Kind::server) + session.active(Kind::client) <= http2::open_streams_limit + 1);
  }
  run.depends_on_segments = session.depends_on_segments();
  run.checker.now = now + 100;
  session.on_close(now + 100, run.checker);
  require(session.active(Kind::server) + session.active(Kind::client) == 0);
  run.checker.over = true;
  session.on_close(now + 200, run.checker);
  session.on_lost(Direction::inbound, now + 200, run.checker);
  session.on_tick(now + 200, run.checker);
  (void)session.on_segment({Direction::outbound, http2::connection_preface, 24, now, now, 0, 0}, run.checker);
  return run;
}

[[noreturn]] void explain(const std::vector<std::string>& whole, const std::vector<std::string>& cut) {
  for (const std::string& text : whole) std::fprintf(stderr, "whole: %s\n", text.c_str());
  for (const std::string& text : cut) std::fprintf(stderr, "cut:   %s\n", text.c_str());
  std::abort();
}

// A frame around the bytes: type and flags come first in them, the stream's number is small.
std::string framed(std::string_view bytes) {
  if (bytes.size() < 3) return std::string(bytes);
  const std::string_view payload = bytes.substr(3);
  std::string frame{0, static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size())};
  frame += static_cast<char>(static_cast<std::uint8_t>(bytes[0]) % 11);
  frame += bytes[1];
  frame.append(3, '\0');
  frame += static_cast<char>(static_cast<std::uint8_t>(bytes[2]) % 16);
  return frame.append(payload);
}

std::vector<Step> read_steps(std::string_view input) {
  std::vector<Step> steps;
  while (input.size() >= 2) {
    const auto op = static_cast<std::uint8_t>(input[0]);
    const std::size_t length = static_cast<std::uint8_t>(input[1]);
    input.remove_prefix(2);
    Step step;
    step.direction = op & 1 ? Direction::outbound : Direction::inbound;
    const unsigned what = (op >> 1) & 7;
    if (what == 7) {
      step.what = op & 16 ? Step::What::tick : Step::What::lost;
    } else {
      const std::string_view bytes = input.substr(0, length);
      input.remove_prefix(bytes.size());
      if (what == 6) step.gap = std::uint64_t{op} << 4;
      step.bytes = what <= 3 ? framed(bytes) : std::string(bytes);
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Options options;
  options.joined_late = data[0] & 1;
  options.keep_headers = !(data[0] & 2);
  if (data[0] & 4) options.header_limit = 16;
  options.extras.forwarded_for = data[0] & 8;
  if (data[0] & 16) options.kind = Kind::client;
  (void)http2_descriptor.recognise({.bytes = input.substr(1), .whole = !options.joined_late});
  std::vector<Step> steps = read_steps(input.substr(1));
  if (data[0] & 32) {  // greeted, so that random frames get somewhere
    steps.insert(steps.begin(), Step{.bytes = std::string(http2::connection_preface)});
  }
  const Run whole = replay(options, steps, 0);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1} + (data[0] >> 3)}) {
    const Run cut = replay(options, steps, piece);
    if (whole.depends_on_segments || cut.depends_on_segments) continue;
    if (whole.checker.texts != cut.checker.texts) explain(whole.checker.texts, cut.checker.texts);
  }
  return 0;
}
