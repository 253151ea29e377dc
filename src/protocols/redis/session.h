// SPDX-License-Identifier: Apache-2.0
// One end of a connection that speaks RESP: commands and replies, paired into calls. See README.md for the rules.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/redis/command_reader.h"
#include "protocols/redis/pending.h"
#include "protocols/redis/reply_reader.h"
#include "protocols/session.h"

namespace subfloor::protocols::redis {

// What one session may hold at most, whatever the peer sends: commands that wait, the first key of each where those
// are wanted, and a little for the rest.
inline constexpr std::size_t session_memory_limit =
    2 * outstanding_limit * (sizeof(Pending) + 32 + longest_key) + 16384;

class RedisSession final : public Session {
 public:
  explicit RedisSession(const Options& options);

  [[nodiscard]] Next on_segment(const Segment& segment, CallSink& sink) override;
  void on_lost(Direction direction, Nanoseconds when, CallSink& sink) override;
  void on_close(Nanoseconds when, CallSink& sink) override;
  void on_tick(Nanoseconds now, CallSink& sink) override;
  [[nodiscard]] std::size_t active(Kind kind) const override;

  // Something was missing, so messages may have had to be searched for at the beginning of segments: from here on the
  // result may depend on how the stream was cut.
  [[nodiscard]] bool depends_on_segments() const { return searched_; }

 private:
  // A reply as far as calls tell of it.
  struct Answer {
    Nanoseconds first_byte = 0, end = 0;
    std::uint64_t size = 0;
    std::uint32_t pid = 0, tid = 0;
    std::string error;
  };

  [[nodiscard]] Direction requests() const { return *request_side_; }
  [[nodiscard]] bool server() const { return request_side_ == Direction::inbound; }
  [[nodiscard]] bool& searching(Direction d) { return searching_[static_cast<std::size_t>(d)]; }

  [[nodiscard]] bool learn_sides(const Segment& s);
  void take_requests(const Segment& s, CallSink& sink);
  void take_replies(const Segment& s, CallSink& sink);
  void pass(std::uint64_t count, const Segment& s, CallSink& sink);
  void on_command(const Segment& s, CallSink& sink);
  [[nodiscard]] bool is_answered(const Request& request);
  void on_reply(const Segment& s, CallSink& sink);
  void on_push(std::string_view word, const Segment& s, CallSink& sink);
  void hold(const Segment& s, CallSink& sink);
  void complete(const Segment& s, CallSink& sink);
  void apply(const Command& command, std::int64_t database, CallSink& sink);
  void match_held(CallSink& sink);

  void weigh(const Segment& s, CallSink& sink);
  void settle();
  void lose(Direction d, CallSink& sink);
  void fail(const Segment& s, CallSink& sink);
  void finish(Next::Action action, CallSink& sink);

  void fill(const Pending& pending, std::string_view key);
  void give(const Pending& pending, std::string_view key, Partial why, Nanoseconds end, CallSink& sink);
  void give_away(Partial why, Nanoseconds end, CallSink& sink);
  [[nodiscard]] bool give_open(Partial why, Nanoseconds end, CallSink& sink);
  void give_held(CallSink& sink);

  const bool wants_keys_;
  const std::optional<Kind> kind_;
  std::optional<Direction> request_side_;
  std::optional<Next::Action> over_;
  CommandReader commands_;
  ReplyReader replies_;
  PendingRing pending_;
  std::vector<Answer> held_;  // replies whose commands have not been seen yet: their records can come later
  Call call_;

  Pending open_;  // times and thread of the command in the making
  Nanoseconds reply_start_ = 0;  // first byte of the reply in the making
  std::array<bool, 2> searching_;  // framing was lost: a message may begin with the next segment
  std::array<Nanoseconds, 2> heard_{};  // last byte of each direction
  std::uint64_t ignored_ = 0;  // bytes searched in vain

  // The state that commands make.
  std::int64_t database_;  // -1: not known
  std::int64_t queued_database_ = -1;  // of a SELECT that waits for EXEC
  bool mute_ = false;  // CLIENT REPLY OFF
  bool mute_once_ = false;  // the next command has no reply: CLIENT REPLY SKIP
  bool subscribed_ = false;

  // How far the pairing can be trusted.
  Partial missing_;  // why commands or replies may not have been seen
  bool unsure_;  // commands nobody saw may be waiting for replies
  bool crossed_ = false;  // while unsure: all that was seen has been answered at some time
  bool overlapped_ = false;  // while unsure: a command began while others waited
  bool pipelined_ = false;  // the same at any time while sure
  bool was_sure_;
  bool searched_;
  int crossings_ = 0;
  std::uint64_t owed_ = 0;  // replies to commands that have been given away
  int orphans_ = 0;  // in a row
};

// Does a message of either kind begin here, as far as can be told from so much of it?
[[nodiscard]] Guess guess_command(std::string_view bytes);
[[nodiscard]] Guess guess_reply(std::string_view bytes);

}  // namespace subfloor::protocols::redis
