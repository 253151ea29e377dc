// SPDX-License-Identifier: Apache-2.0
// For the fuzz targets of protocols: a conversation read from the input, played to a session whole and in pieces, and
// compared.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fuzzing.h"
#include "protocols/session.h"

namespace subfloor::fuzzing {

using namespace protocols;

struct Step {
  enum class What : std::uint8_t { content, lost, tick };
  What what = What::content;
  Direction direction = Direction::inbound;
  std::string bytes;
  std::uint64_t number = 0;  // of content: bytes after it that were not copied; of a tick: seconds until then
};

// A step is a byte that says what happens (bit 0 direction, bits 1-3 what), a byte that is a length as a rule, and what
// fill(step, what, op, length, input) takes of the input behind these.
template <class Fill>
std::vector<Step> read_steps(std::string_view input, const Fill& fill) {
  std::vector<Step> steps;
  while (input.size() >= 2) {
    const auto op = static_cast<std::uint8_t>(input[0]);
    const auto length = static_cast<std::uint8_t>(input[1]);
    input.remove_prefix(2);
    Step step;
    step.direction = op & 1 ? Direction::outbound : Direction::inbound;
    fill(step, (op >> 1) & 7U, op, length, input);
    steps.push_back(std::move(step));
  }
  return steps;
}

inline std::string_view take(std::string_view& input, std::size_t length) {
  const std::string_view taken = input.substr(0, length);
  input.remove_prefix(taken.size());
  return taken;
}

// Content, with or without a gap behind it, or a loss.
inline void fill_plain(Step& step, unsigned what, std::uint8_t op, std::size_t length, std::string_view& input) {
  if (what == 7) {
    step.what = Step::What::lost;
    return;
  }
  if (what >= 5) step.number = what == 5 ? op >> 4 : std::uint64_t{op} << 8;
  step.bytes = take(input, length);
}

// What must hold of every call: check() requires it, and gives all that must not depend on how the bytes were cut.
class Checker : public CallSink {
 public:
  virtual ~Checker() = default;
  void on_call(Call& call) final {
    require(!over);
    texts.push_back(check(call));
  }

  std::uint64_t passed = 0;  // bytes
  Nanoseconds now = 0;  // no byte is later
  bool over = false;
  std::vector<std::string> texts;

 private:
  [[nodiscard]] virtual std::string check(Call& call) = 0;
};

struct Rules {
  std::size_t active_limit;  // calls begun and not answered
  std::string_view afterwards;  // content that must do nothing once it is over; "": none is given
  std::uint64_t least_skip = 1024, most_skip = std::numeric_limits<std::uint64_t>::max();
  Nanoseconds between = 100;  // steps
  bool hands_over = false;  // to another protocol
  bool ends_when_invalid = false;  // as streams do it; else the session must bear more
};

template <class Session>
[[nodiscard]] std::size_t active(const Session& session) {
  return session.active(Kind::server) + session.active(Kind::client);
}

// In pieces of so many bytes (0: whole), the gap behind the last. False where the session finds it invalid.
template <class Session>
[[nodiscard]] bool give(Session& session, const Step& step, Nanoseconds now, std::size_t piece, const Rules& rules,
                        Checker& checker) {
  checker.passed += step.bytes.size() + step.number;
  std::string_view rest = step.bytes;
  bool valid = true;
  while (piece > 0 && rest.size() > piece && (valid || !rules.ends_when_invalid)) {
    const std::string_view part = take(rest, piece);
    valid =
        session.on_segment({step.direction, part, piece, now, now + 50, 7, 8}, checker).action != Next::Action::invalid;
  }
  if (!valid && rules.ends_when_invalid) return false;
  const Next next = session.on_segment({step.direction, rest, rest.size() + step.number, now, now + 50, 7, 8}, checker);
  require(next.action != Next::Action::skip || (next.bytes >= rules.least_skip && next.bytes <= rules.most_skip));
  require(next.action != Next::Action::hand_over || rules.hands_over);
  return next.action != Next::Action::invalid;
}

// Plays the steps, cut into pieces. True: what came may depend on how they were cut.
template <class Session>
[[nodiscard]] bool play(Session& session, const std::vector<Step>& steps, std::size_t piece, const Rules& rules,
                        Checker& checker) {
  Nanoseconds now = 1000;
  for (const Step& step : steps) {
    now += rules.between;
    if (step.what == Step::What::tick) now += step.number * 1'000'000'000;
    checker.now = now + 50;
    bool valid = true;
    switch (step.what) {
      case Step::What::lost: session.on_lost(step.direction, now, checker); break;
      case Step::What::tick: session.on_tick(now, checker); break;
      case Step::What::content: valid = give(session, step, now, piece, rules, checker); break;
    }
    if (!valid && rules.ends_when_invalid) break;
    require(active(session) <= rules.active_limit);
  }
  const bool depends = session.depends_on_segments();
  checker.now = now + 100;
  session.on_close(now + 100, checker);
  require(active(session) == 0);
  checker.over = true;
  session.on_close(now + 200, checker);
  session.on_lost(Direction::inbound, now + 200, checker);
  session.on_tick(now + 10'000'000'000, checker);
  if (!rules.afterwards.empty()) {
    const std::size_t size = rules.afterwards.size();
    (void)session.on_segment({Direction::outbound, rules.afterwards, size, now, now, 0, 0}, checker);
  }
  return depends;
}

[[noreturn]] inline void explain(const std::vector<std::string>& whole, const std::vector<std::string>& cut) {
  for (const std::string& text : whole) std::fprintf(stderr, "whole: %s\n", text.c_str());
  for (const std::string& text : cut) std::fprintf(stderr, "cut:   %s\n", text.c_str());
  std::abort();
}

// play(piece, checker) plays the same each time, as above. Cut into single bytes, and into pieces of 1 + `more`, it
// must give the calls that it gives whole.
template <class CheckerType, class Play>
void require_same_however_cut(std::size_t more, const CheckerType& fresh, const Play& play) {
  CheckerType whole = fresh;
  const bool depends = play(std::size_t{0}, whole);
  for (const std::size_t piece : {std::size_t{1}, 1 + more}) {
    CheckerType cut = fresh;
    if (play(piece, cut) || depends) continue;
    if (whole.texts != cut.texts) explain(whole.texts, cut.texts);
  }
}

// The same with a session of its own for each.
template <class Session, class CheckerType>
void require_same_however_cut(const Options& options, const std::vector<Step>& steps, std::size_t more,
                              const Rules& rules, const CheckerType& fresh) {
  require_same_however_cut(more, fresh, [&](std::size_t piece, CheckerType& checker) {
    Session session(options);
    return play(session, steps, piece, rules, checker);
  });
}

}  // namespace subfloor::fuzzing
