// SPDX-License-Identifier: Apache-2.0
// The input is a conversation: a byte of options, then steps. A step is a byte that says what happens (bit 0 direction,
// bits 1-3 what), a length byte, and that many bytes; some steps stand for whole messages, so that the framing holds.
// Required besides memory safety: bounds, sanity of every call, and that cutting the same stream elsewhere gives the
// same calls.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzzing.h"
#include "protocols/postgres/conversation.h"
#include "protocols/postgres/postgres.h"
#include "protocols/postgres/session.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using namespace subfloor::protocols::postgres;
using fuzzing::require;

struct Event {
  enum class What : std::uint8_t { content, lost } what = What::content;
  Direction direction = Direction::inbound;
  std::string bytes;
  std::uint64_t gap = 0;
};

class Checker final : public CallSink {
 public:
  void on_call(Call& call) override {
    require(!over);
    require(call.protocol == &protocol);
    require(call.end >= call.start);
    require(call.partial < 64);
    require(!call.status);
    require(call.operation.size() <= 256 && call.target.size() <= 4 * 65 && call.error.size() <= 16);
    require(call.request_body_bytes + call.response_body_bytes <= passed);
    require(call.attributes.find("db.query.summary").value_or("").size() <= sql::longest_summary);
    texts.push_back(testing::full(call));
  }
  std::uint64_t passed = 0;
  bool over = false;
  std::vector<std::string> texts;
};

struct Run {
  Checker checker;
  bool depends_on_segments = false;
};

Run replay(const Options& options, const std::vector<Event>& events, std::size_t piece) {
  Run run;
  PostgresSession session(options);
  Nanoseconds now = 1000;
  for (const Event& event : events) {
    now += 100;
    if (event.what == Event::What::lost) {
      session.on_lost(event.direction, now, run.checker);
      continue;
    }
    Segment segment{event.direction, event.bytes, event.bytes.size() + event.gap, now, now + 50, 7, 8};
    run.checker.passed += segment.length;
    std::string_view rest = event.bytes;
    while (piece > 0 && rest.size() > piece) {
      segment.bytes = rest.substr(0, piece);
      segment.length = piece;
      (void)session.on_segment(segment, run.checker);
      rest.remove_prefix(piece);
    }
    segment.bytes = rest;
    segment.length = rest.size() + event.gap;
    const Next next = session.on_segment(segment, run.checker);
    require(next.action != Next::Action::skip || next.bytes >= 4096);
    require(session.active(Kind::server) + session.active(Kind::client) <= outstanding_limit);
  }
  run.depends_on_segments = session.depends_on_segments();
  session.on_close(now + 100, run.checker);
  require(session.active(Kind::server) + session.active(Kind::client) == 0);
  run.checker.over = true;
  session.on_close(now + 200, run.checker);
  session.on_lost(Direction::inbound, now + 200, run.checker);
  (void)session.on_segment({Direction::outbound, "Z\0\0\0\5I", 6, now, now, 0, 0}, run.checker);
  return run;
}

std::string message_of(std::uint8_t which, std::string_view content) {
  using namespace subfloor::protocols::postgres::testing;
  constexpr std::string_view types = "QPBDECSHXFdcfpRKSZTDCIENA123ntsGHWVv";
  switch (which) {
    case 200: return startup();
    case 201: return untyped(code_ssl);
    case 202: return authenticated;
    case 203: return query("SELECT a FROM b; UPDATE c SET d = 'e'");
    case 204: return parse("s", "INSERT INTO a VALUES ($1)");
    case 205: return bind("", "s");
    case 206: return execute();
    case 207: return testing::sync;
    case 208: return row_description + rows(3) + complete("SELECT 3");
    case 209: return ready();
    case 210: return failure("42P01");
    case 211: return parsed + bound;
    case 212: return "N";
    case 213: return message('G', std::string(3, '\0'));
    case 214: return prepared("s") + prepared("s");
    default: return message(types[which % types.size()], content);
  }
}

std::vector<Event> read_events(std::string_view input) {
  std::vector<Event> events;
  while (input.size() >= 2) {
    const auto op = static_cast<std::uint8_t>(input[0]);
    const auto size = static_cast<std::uint8_t>(input[1]);
    input.remove_prefix(2);
    Event event;
    event.direction = op & 1 ? Direction::outbound : Direction::inbound;
    const unsigned what = (op >> 1) & 7;
    if (what == 7) {
      event.what = Event::What::lost;
    } else if (what < 4) {  // a message; the length says which, more bits how long its content is
      const std::string_view content = input.substr(0, op >> 4);
      event.bytes = message_of(size, content);
      input.remove_prefix(content.size());
    } else {
      if (what >= 5) event.gap = what == 5 ? op >> 4 : std::uint64_t{op} << 8;
      event.bytes = input.substr(0, size);
      input.remove_prefix(event.bytes.size());
    }
    events.push_back(event);
  }
  return events;
}

[[noreturn]] void explain(const std::vector<std::string>& whole, const std::vector<std::string>& cut) {
  for (const std::string& text : whole) std::fprintf(stderr, "whole: %s\n", text.c_str());
  for (const std::string& text : cut) std::fprintf(stderr, "cut:   %s\n", text.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input = fuzzing::text_of(data, size).substr(1);
  Options options;
  options.joined_late = data[0] & 1;
  options.extras.query_text = data[0] & 2;
  if (data[0] & 4) options.kind = data[0] & 8 ? Kind::server : Kind::client;
  (void)postgres_descriptor.recognise({.bytes = input, .whole = !options.joined_late});
  (void)postgres_descriptor.recognise(
      {.bytes = input.substr(0, input.size() / 2), .other = input.substr(input.size() / 2), .whole = false});
  const std::vector<Event> events = read_events(input);
  const Run whole = replay(options, events, 0);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1} + (data[0] >> 3)}) {
    const Run cut = replay(options, events, piece);
    if (whole.depends_on_segments || cut.depends_on_segments) continue;
    if (whole.checker.texts != cut.checker.texts) explain(whole.checker.texts, cut.checker.texts);
  }
  return 0;
}
