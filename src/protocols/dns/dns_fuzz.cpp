// SPDX-License-Identifier: Apache-2.0
// The input is a conversation: a byte of options, then steps. A step is a byte that says what happens (bit 0 direction,
// bits 1-3 what), a length byte, and that many bytes. Checked besides memory safety: bounds, sanity of every call, and
// that cutting the same stream elsewhere gives the same calls.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzzing.h"
#include "protocols/dns/dns.h"
#include "protocols/dns/session.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using fuzzing::require;

enum class What : std::uint8_t { content, tick, gap, lost };

struct Step {
  What what = What::content;
  Direction direction = Direction::inbound;
  std::string_view bytes;
  std::uint64_t number = 0;  // bytes of a gap, seconds until a tick
};

class Checker final : public CallSink {
 public:
  void on_call(Call& call) override {
    require(!over);
    require(call.protocol == &dns::protocol);
    require(!call.operation.empty() && !call.target.empty() && call.target.size() <= dns::name_limit + 4);
    require(call.status.has_value() == ((call.partial & partial_no_response) == 0));
    require(!call.status || (*call.status >= 0 && *call.status < 4096));
    require(call.error != "timeout" || call.duration() >= dns::least_patience);
    require(call.resolutions.size() <= dns::resolutions_limit);
    require(call.request_body_bytes + call.response_body_bytes <= passed);
    std::string text = call.operation + ' ' + call.target + ' ' + std::to_string(call.status.value_or(-1)) + ' ' +
                       call.error + ' ' + std::to_string(call.start) + ' ' + std::to_string(call.end) + ' ' +
                       std::to_string(call.partial);
    for (std::size_t i = 0; i < call.attributes.size(); ++i) {
      const AttributeList::Item item = call.attributes[i];
      require(item.value.size() <= dns::answers_limit);
      text.append(" ").append(item.key).append("=").append(item.value);
    }
    for (const Resolution& resolution : call.resolutions) {
      require(resolution.name == call.target);
      text += " " + Address{.ip = resolution.ip}.ip_text();
    }
    texts.push_back(std::move(text));
  }

  std::uint64_t passed = 0;
  bool over = false;
  std::vector<std::string> texts;
};

struct Run {
  Checker checker;
  bool depends_on_segments = false;
};

// False where the session wants no more of it.
bool give(dns::DnsSession& session, const Segment& whole, std::size_t piece, Checker& checker) {
  Segment segment = whole;
  checker.passed += whole.length;
  while (piece > 0 && segment.bytes.size() > piece) {
    Segment part = segment;
    part.bytes = segment.bytes.substr(0, piece);
    part.length = piece;
    if (session.on_segment(part, checker).action == Next::Action::invalid) return false;
    segment.bytes.remove_prefix(piece);
    segment.length -= piece;
  }
  const Next next = session.on_segment(segment, checker);
  require(next.action != Next::Action::skip || (next.bytes >= 1024 && next.bytes < 65536));
  return next.action != Next::Action::invalid;
}

Run replay(const Options& options, const std::vector<Step>& steps, std::size_t piece) {
  Run run;
  dns::DnsSession session(options);
  Nanoseconds now = 1000;
  for (const Step& step : steps) {
    now += 1'000'000;
    if (step.what == What::lost) {
      session.on_lost(step.direction, now, run.checker);
    } else if (step.what == What::tick) {
      now += step.number * 1'000'000'000;
      session.on_tick(now, run.checker);
    } else if (!give(session, {step.direction, step.bytes, step.bytes.size() + step.number, now, now + 50, 7, 8}, piece,
                     run.checker)) {
      break;
    }
    require(session.active(Kind::server) + session.active(Kind::client) <= dns::outstanding_limit);
  }
  run.depends_on_segments = session.depends_on_segments();
  session.on_close(now + 100, run.checker);
  require(session.active(Kind::server) + session.active(Kind::client) == 0);
  run.checker.over = true;
  session.on_close(now + 200, run.checker);
  session.on_tick(now + 300, run.checker);
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
    } else if (what == 6) {
      step.what = What::tick;
      step.number = length;
    } else {
      if (what == 5) {
        step.what = What::gap;
        step.number = op >> 4;
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
  const std::string_view input = fuzzing::text_of(data, size);
  Options options;
  options.joined_late = data[0] & 1;
  options.datagrams = data[0] & 2;
  (void)dns_descriptor.recognise({.bytes = input.substr(1), .datagram = options.datagrams});
  const std::vector<Step> steps = read_steps(input.substr(1));
  const Run whole = replay(options, steps, 0);
  if (options.datagrams) return 0;
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1} + (data[0] >> 2)}) {
    const Run cut = replay(options, steps, piece);
    if (whole.depends_on_segments || cut.depends_on_segments) continue;
    if (whole.checker.texts != cut.checker.texts) explain(whole.checker.texts, cut.checker.texts);
  }
  return 0;
}
