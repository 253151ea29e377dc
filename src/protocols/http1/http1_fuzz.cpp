// SPDX-License-Identifier: Apache-2.0
// The input is a conversation: a byte of options, then steps. A step is a byte that says what happens (bit 0 direction,
// bits 1-3 what), a length byte, and that many bytes. Checked besides memory safety: bounds, sanity of every call, and
// that cutting the same stream elsewhere gives the same calls.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzzing.h"
#include "protocols/http1/http1.h"
#include "protocols/http1/session.h"
#include "protocols/session.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using fuzzing::require;

enum class What : std::uint8_t { content, gap, lost };

struct Step {
  What what = What::content;
  Direction direction = Direction::inbound;
  std::string_view bytes;
  std::uint64_t gap = 0;
};

class Checker final : public CallSink {
 public:
  void on_call(Call& call) override {
    require(!over);
    require(call.protocol == &protocol);
    require(call.partial < 32);
    require(!call.status || (*call.status >= 101 && *call.status <= 999));
    require(!call.operation.empty() || call.partial != 0);
    require(call.operation.size() <= http1::method_limit && call.path.size() + call.query.size() <= http1::head_limit);
    require(call.request_body_bytes + call.response_body_bytes <= passed);
    require(call.status || call.partial != 0);
    texts.push_back(call.operation + ' ' + call.path + '?' + call.query + ' ' + call.version + ' ' +
                    std::to_string(call.status.value_or(0)) + ' ' + std::to_string(call.start) + ' ' +
                    std::to_string(call.request_end) + ' ' + std::to_string(call.first_byte) + ' ' +
                    std::to_string(call.end) + ' ' + std::to_string(call.request_body_bytes) + ' ' +
                    std::to_string(call.response_body_bytes) + ' ' + std::to_string(call.partial) + ' ' +
                    fields(call.request_headers) + '|' + fields(call.response_headers));
  }

  std::uint64_t passed = 0;
  bool over = false;
  std::vector<std::string> texts;

 private:
  static std::string fields(const HeaderList& list) {
    std::string text;
    for (std::size_t i = 0; i < list.size(); ++i) {
      text.append(list[i].name).append(":").append(list[i].value).append(";");
    }
    require(text.size() <= 3 * http1::head_limit);
    return text;
  }
};

struct Run {
  Checker checker;
  bool depends_on_segments = false;
};

Run replay(const Options& options, const std::vector<Step>& steps, std::size_t piece) {
  Run run;
  http1::Http1Session session(options);
  Nanoseconds now = 1000;
  for (const Step& step : steps) {
    now += 100;
    if (step.what == What::lost) {
      session.on_lost(step.direction, now, run.checker);
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
    require(next.action != Next::Action::skip || next.bytes >= 1024);
    require(session.active(Kind::server) + session.active(Kind::client) <= http1::outstanding_limit + 1);
  }
  run.depends_on_segments = session.depends_on_segments();
  session.on_close(now + 100, run.checker);
  require(session.active(Kind::server) + session.active(Kind::client) == 0);
  run.checker.over = true;
  session.on_close(now + 200, run.checker);
  session.on_lost(Direction::inbound, now + 200, run.checker);
  (void)session.on_segment({Direction::outbound, "HTTP/1.1 200 OK\r\n\r\n", 19, now, now, 0, 0}, run.checker);
  return run;
}

[[noreturn]] void explain(const std::vector<std::string>& whole, const std::vector<std::string>& cut) {
  for (const std::string& text : whole) std::fprintf(stderr, "whole: %s\n", text.c_str());
  for (const std::string& text : cut) std::fprintf(stderr, "cut:   %s\n", text.c_str());
  std::abort();
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
      step.what = What::lost;
    } else {
      if (what >= 5) {
        step.what = What::gap;
        step.gap = what == 5 ? op >> 4 : (std::uint64_t{op} << 8);
      }
      step.bytes = input.substr(0, length);
      input.remove_prefix(step.bytes.size());
    }
    steps.push_back(step);
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
  (void)http1_descriptor.recognise({.bytes = input.substr(1)});
  const std::vector<Step> steps = read_steps(input.substr(1));
  const Run whole = replay(options, steps, 0);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1} + (data[0] >> 3)}) {
    const Run cut = replay(options, steps, piece);
    if (whole.depends_on_segments || cut.depends_on_segments) continue;
    if (whole.checker.texts != cut.checker.texts) explain(whole.checker.texts, cut.checker.texts);
  }
  return 0;
}
