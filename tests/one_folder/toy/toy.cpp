// SPDX-License-Identifier: Apache-2.0
// The smallest protocol: a question is a line "ASK <topic>\n", its answer "YES <number>\n" or "NO <word>\n". run puts
// this folder below src/protocols, and nothing else anywhere.
#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "protocols/session.h"

namespace subfloor::protocols {
namespace toy {
namespace {

constexpr Family family{.name = "toy",
                        .operation_key = "toy.operation",
                        .target_key = "toy.topic",
                        .status_key = "toy.status",
                        .error_key = "toy.error"};
constexpr Protocol protocol{"toy", &family};
constexpr std::size_t line_limit = 64;

class ToySession final : public Session {
 public:
  explicit ToySession(const Options& options) : joined_late_(options.joined_late) {}

  [[nodiscard]] Next on_segment(const Segment& s, CallSink& sink) override {
    std::string& line = lines_[s.direction == Direction::inbound ? 0 : 1];
    for (const char c : s.bytes) {
      if (c != '\n') {
        line += c;
        if (line.size() > line_limit) return {Next::Action::invalid};
        continue;
      }
      if (line.starts_with("ASK ")) {
        ask(line.substr(4), s);
      } else if (waiting_) {
        answer(line, s, sink);
      }
      line.clear();
    }
    return s.length > s.bytes.size() ? Next{Next::Action::invalid} : Next{};
  }

  void on_lost(Direction, Nanoseconds when, CallSink& sink) override { on_close(when, sink); }

  void on_close(Nanoseconds when, CallSink& sink) override {
    if (!std::exchange(waiting_, false)) return;
    call_.end = when;
    call_.partial |= partial_no_response;
    sink.on_call(call_);
  }

  [[nodiscard]] std::size_t active(Kind kind) const override { return waiting_ && call_.kind == kind ? 1 : 0; }

 private:
  void ask(std::string topic, const Segment& s) {
    call_.clear();
    call_.protocol = &protocol;
    call_.kind = s.direction == Direction::inbound ? Kind::server : Kind::client;
    call_.operation = "ASK";
    call_.target = std::move(topic);
    call_.start = s.begin;
    call_.request_end = s.end;
    call_.partial = std::exchange(joined_late_, false) ? partial_joined_late : partial_no;
    waiting_ = true;
  }

  void answer(const std::string& line, const Segment& s, CallSink& sink) {
    int status = 0;
    if (line.starts_with("YES ") &&
        std::from_chars(line.data() + 4, line.data() + line.size(), status).ec == std::errc())
      call_.status = status;
    if (line.starts_with("NO ")) call_.error = line.substr(3);
    call_.first_byte = s.begin;
    call_.end = s.end;
    waiting_ = false;
    sink.on_call(call_);
  }

  bool joined_late_, waiting_ = false;
  Call call_;
  std::string lines_[2];
};

Guess recognise(const Opening& opening) {
  constexpr std::string_view start = "ASK ";
  if (opening.bytes.starts_with(start)) return Guess::yes;
  return start.starts_with(opening.bytes) ? Guess::maybe_with_more : Guess::no;
}

std::unique_ptr<Session> open(const Options& options) { return std::make_unique<ToySession>(options); }

}  // namespace
}  // namespace toy

extern const Descriptor toy_descriptor;  // a constant is its file's own otherwise
const Descriptor toy_descriptor{&toy::protocol, toy::recognise, toy::open};

}  // namespace subfloor::protocols
