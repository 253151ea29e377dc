// SPDX-License-Identifier: Apache-2.0
// The input is a conversation: a byte of options, then steps. A step is a byte that says what happens (bit 0 direction,
// bits 1-3 what), a length byte, and that many bytes. Checked besides memory safety: bounds, sanity of every call, and
// that cutting the same stream elsewhere gives the same calls.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzzing.h"
#include "protocols/mysql/mysql.h"
#include "protocols/mysql/session.h"
#include "protocols/session.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using fuzzing::require;

enum class What : std::uint8_t { content, gap, lost, tick };

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
    require(call.protocol == &mysql::protocol);
    require(!call.operation.empty() || call.partial != 0);
    require(call.operation.size() <= 64 && call.target.size() <= 2 * sql::longest_name + 1);
    require(call.start != 0 && call.end >= call.start && call.request_end >= call.start);
    require(call.first_byte == 0 || call.first_byte <= call.end);
    require(call.attributes.find("db.system.name").has_value());
    require(call.error.empty() || !call.attributes.find("db.response.returned_rows"));
    require((call.partial & partial_no_response) == 0 || call.error.empty());
    std::string text = call.operation + ' ' + call.target + ' ' + call.error;
    for (const std::uint64_t value : {call.start, call.request_end, call.first_byte, call.end, call.request_body_bytes,
                                      call.response_body_bytes, std::uint64_t{call.partial}})
      text += ' ' + std::to_string(value);
    for (std::size_t i = 0; i < call.attributes.size(); ++i) {
      const AttributeList::Item item = call.attributes[i];
      require(item.value.size() <= mysql::head_limit);
      text.append(" ").append(item.key).append("=").append(item.value);
    }
    texts.push_back(std::move(text));
  }

  bool over = false;
  std::vector<std::string> texts;
};

struct Run {
  Checker checker;
  bool depends_on_segments = false;
};

Run replay(const Options& options, const std::vector<Step>& steps, std::size_t piece) {
  Run run;
  mysql::MysqlSession session(options);
  Nanoseconds now = 1000;
  for (const Step& step : steps) {
    now += 100;
    if (step.what == What::lost) session.on_lost(step.direction, now, run.checker);
    if (step.what == What::tick) session.on_tick(now += 10'000'000'000, run.checker);
    if (step.what == What::lost || step.what == What::tick) continue;
    Segment segment{step.direction, step.bytes, step.bytes.size() + step.gap, now, now + 50, 7, 8};
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
    require(session.active(Kind::server) + session.active(Kind::client) <= mysql::outstanding_limit);
  }
  run.depends_on_segments = session.depends_on_segments();
  session.on_close(now + 100, run.checker);
  require(session.active(Kind::server) + session.active(Kind::client) == 0);
  run.checker.over = true;
  session.on_close(now + 200, run.checker);
  session.on_lost(Direction::inbound, now + 200, run.checker);
  session.on_tick(now + 10'000'000'000, run.checker);
  (void)session.on_segment({Direction::outbound, "\1\0\0\0\x0e", 4, now, now, 0, 0}, run.checker);
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
      step.what = op & 0x80 ? What::tick : What::lost;
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
  options.extras.query_text = data[0] & 2;
  if (data[0] & 4) options.kind = data[0] & 8 ? Kind::server : Kind::client;
  (void)mysql_descriptor.recognise({.bytes = input.substr(1), .whole = (data[0] & 1) == 0, .kind = options.kind});
  const std::vector<Step> steps = read_steps(input.substr(1));
  const Run whole = replay(options, steps, 0);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1} + (data[0] >> 3)}) {
    const Run cut = replay(options, steps, piece);
    if (whole.depends_on_segments || cut.depends_on_segments) continue;
    if (whole.checker.texts != cut.checker.texts) explain(whole.checker.texts, cut.checker.texts);
  }
  return 0;
}
