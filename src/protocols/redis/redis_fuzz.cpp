// SPDX-License-Identifier: Apache-2.0
// The input is a conversation: a byte of options, then steps. A step is a byte that says what happens (bit 0 direction,
// bits 1-3 what), a length byte, and that many bytes. Checked besides memory safety: bounds, sanity of every call, that
// only known names are told, and that cutting the same stream elsewhere gives the same calls.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzzing.h"
#include "protocols/redis/conversation.h"
#include "protocols/redis/redis.h"
#include "protocols/redis/session.h"

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

bool is_known(std::string_view operation) {
  if (operation.empty() || operation == "_OTHER") return true;
  const std::size_t space = operation.find(' ');
  const redis::Command* command = redis::find_command(operation.substr(0, space));
  if (command != nullptr && space != operation.npos)
    command = redis::find_subcommand(*command, operation.substr(space + 1));
  return command != nullptr && command->name == operation;
}

class Checker final : public CallSink {
 public:
  explicit Checker(bool keys) : keys_(keys) {}

  void on_call(Call& call) override {
    require(!over);
    require(call.protocol == &redis::protocol);
    require(is_known(call.operation));
    require(!call.operation.empty() || call.partial != 0);
    require(call.error.size() <= redis::longest_word);
    require(!call.status && call.path.empty() && call.query.empty() && call.target.empty());
    require(call.request_body_bytes <= passed && call.response_body_bytes <= passed);
    require(call.end >= call.start || call.partial != 0);
    const auto key = call.attributes.find("db.operation.parameter.key");
    require(!key || (keys_ && key->size() <= redis::longest_key));
    texts.push_back(redis::testing::to_text(call));
  }

  std::uint64_t passed = 0;
  bool over = false;
  std::vector<std::string> texts;

 private:
  bool keys_;
};

struct Run {
  Checker checker;
  bool depends_on_segments = false;
};

Run replay(const Options& options, const std::vector<Step>& steps, std::size_t piece) {
  Run run{Checker(options.extras.key_names)};
  redis::RedisSession session(options);
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
    require(session.active(Kind::server) + session.active(Kind::client) <= redis::outstanding_limit);
  }
  run.depends_on_segments = session.depends_on_segments();
  session.on_tick(now + 2'000'000'000, run.checker);
  session.on_close(now + 100, run.checker);
  require(session.active(Kind::server) + session.active(Kind::client) == 0);
  run.checker.over = true;
  session.on_close(now + 200, run.checker);
  session.on_lost(Direction::inbound, now + 200, run.checker);
  (void)session.on_segment({Direction::outbound, "+OK\r\n", 5, now, now, 0, 0}, run.checker);
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
  options.extras.key_names = data[0] & 2;
  if (data[0] & 4) options.kind = data[0] & 8 ? Kind::server : Kind::client;
  const std::vector<Step> steps = read_steps(input.substr(1));
  (void)redis_descriptor.recognise({.bytes = input.substr(1)});
  if (steps.size() > 1) (void)redis_descriptor.recognise({.bytes = steps[1].bytes, .other = steps[0].bytes});
  const Run whole = replay(options, steps, 0);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1} + (data[0] >> 4)}) {
    const Run cut = replay(options, steps, piece);
    if (whole.depends_on_segments || cut.depends_on_segments) continue;
    if (whole.checker.texts != cut.checker.texts) explain(whole.checker.texts, cut.checker.texts);
  }
  return 0;
}
