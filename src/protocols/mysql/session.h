// SPDX-License-Identifier: Apache-2.0
// One connection end that speaks MySQL's protocol: commands and their answers, paired into calls. See README.md for the
// rules.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "protocols/mysql/exchange.h"
#include "protocols/mysql/packets.h"
#include "protocols/mysql/response.h"
#include "protocols/mysql/statements.h"
#include "protocols/mysql/unpacker.h"
#include "protocols/session.h"

namespace subfloor::protocols::mysql {

// What one session may hold at most, whatever the peer sends: statements, outstanding calls, packets in the making.
inline constexpr std::size_t session_memory_limit = 4 * 1024 * 1024;
inline constexpr std::size_t head_limit = 4096;  // bytes of a payload that are looked at
inline constexpr Nanoseconds silence_limit = 5'000'000'000;  // after which an answer without a seen end counts as over

class MysqlSession final : public Session {
 public:
  explicit MysqlSession(const Options& options);

  [[nodiscard]] Next on_segment(const Segment& segment, CallSink& sink) override;
  void on_lost(Direction direction, Nanoseconds when, CallSink& sink) override;
  void on_close(Nanoseconds when, CallSink& sink) override;
  void on_tick(Nanoseconds now, CallSink& sink) override;
  [[nodiscard]] std::size_t active(Kind kind) const override;

  // Something was missing, so that packets may have to be searched for at the beginning of segments: from here on the
  // result may depend on how the stream was cut.
  [[nodiscard]] bool depends_on_segments() const { return tolerant_ || early_.ever; }

 private:
  enum class Phase : std::uint8_t { greeting, login, commands };

  // One direction.
  struct Stream {
    Packets packets{head_limit};
    Unpacker unpacker;
    bool searching = false;  // framing was lost: a packet may begin with the next segment
    bool outer_searching = false;  // so was that of the compressed protocol
    bool over = false;  // with the end of the packet under way the answer ends
    bool follows = false;  // the packet under way began behind others in the same segment
    Segment first;  // times and thread of the packet's first byte (no content)
    Nanoseconds heard = 0;  // last byte of all
  };

  // What came before the command it can only belong to: records of the two directions may change places.
  struct Early {
    bool any = false, ever = false;
    SecretString bytes;
    Segment segment;
  };

  Stream& stream(Direction d) { return streams_[static_cast<std::size_t>(d)]; }
  [[nodiscard]] bool is_request_side(Direction d) const { return request_side_ == d; }
  Stream& requests() { return stream(*request_side_); }
  Stream& responses() { return stream(opposite(*request_side_)); }
  [[nodiscard]] bool is_server() const { return request_side_ == Direction::inbound; }

  // Bytes to packets (session.cpp).
  void feed(std::string_view bytes, std::uint64_t gap, const Segment& s, CallSink& sink);
  void feed_packed(std::string_view bytes, std::uint64_t gap, const Segment& s, CallSink& sink);
  void feed_plain(std::string_view bytes, std::uint64_t gap, const Segment& s, CallSink& sink);
  void take(std::string_view& bytes, const Segment& s, CallSink& sink);
  void pass(std::uint64_t count, const Segment& s, CallSink& sink);
  bool step(Packets::Step step, const Segment& s, CallSink& sink);
  [[nodiscard]] bool learn_sides(std::string_view bytes, const Segment& s, CallSink& sink);
  [[nodiscard]] bool found(std::string_view bytes, const Segment& s);
  [[nodiscard]] bool hold_early(std::string_view bytes, std::uint64_t gap, const Segment& s);
  void give_early(CallSink& sink);
  [[nodiscard]] Next next(Direction d);
  void fail(Direction d, Nanoseconds when, CallSink& sink);
  void lose(Direction d);
  void finish(Next::Action action, Nanoseconds when, CallSink& sink);

  // What the client sends (session_commands.cpp).
  void on_request_head(const Segment& s, CallSink& sink);
  void on_request_end(const Segment& s, CallSink& sink);
  void on_login(const Segment& s, CallSink& sink);
  void on_command(const Segment& s, CallSink& sink);
  void settle_before_command(CallSink& sink);
  [[nodiscard]] sql::Options sql_options(bool whole) const;
  void describe_query(Exchange& exchange, std::string_view payload, bool whole);
  void describe_prepare(Exchange& exchange, std::string_view payload, bool whole);
  void describe_execute(Exchange& exchange, std::string_view payload);
  void describe_change_user(Exchange& exchange, std::string_view payload);
  // Only MariaDB has what was just seen: of interest where its greeting was not.
  void note_mariadb() { system_ = system_ == unknown_system ? "mariadb" : system_; }
  void on_silent_command(std::uint8_t code, std::string_view payload);

  // What the server sends (session_answers.cpp).
  void on_response_head(const Segment& s, CallSink& sink);
  void on_response_end(const Segment& s, CallSink& sink);
  void on_greeting(const Segment& s, CallSink& sink);
  void on_login_answer(const Segment& s, CallSink& sink);
  void log_in(const Segment& s, CallSink& sink);
  void on_answer(const Segment& s, CallSink& sink);
  void on_blind(std::string_view bytes, std::uint64_t gap, const Segment& s, CallSink& sink);
  void refuse(const Segment& s, CallSink& sink);

  // Ends (session_ends.cpp).
  void complete(Nanoseconds end, CallSink& sink);
  void apply(Exchange& exchange);
  void tell(Exchange& exchange, CallSink& sink);
  void give_up(std::uint8_t reason, CallSink& sink);
  void end_all(Nanoseconds when, CallSink& sink);
  [[nodiscard]] std::uint8_t reason_for_gaps() const {
    return joined_late_ && !lost_any_ ? partial_joined_late : partial_lost;
  }

  const bool joined_late_;
  const Extras extras_;
  std::optional<Direction> request_side_;
  std::optional<Next::Action> over_;
  bool to_tls_ = false;  // as the client announced in the segment at hand
  Phase phase_ = Phase::greeting;
  bool lost_any_ = false;
  bool tolerant_;  // bytes that make no sense may be there for want of others: search, don't give up
  bool unsure_ = false;  // commands were missed among those that wait: whose an answer is nobody knows
  bool proven_;  // since the last loss, or the beginning, an answer was seen to be that of its command
  bool pipelined_ = false;  // the client was seen to send commands without waiting for answers
  bool compressed_ = false;
  bool of_last_command_ = false;  // the packet that the client is sending
  std::array<Stream, 2> streams_;
  Exchanges waiting_;
  Nanoseconds last_command_ = 0;  // when the youngest began
  Response response_;
  Answer answer_;
  Early early_;
  Statements statements_;
  Description last_prepared_;
  sql::Statement statement_;  // of the query just seen

  // Of the session with the server.
  Agreement agreement_;
  Capabilities server_capabilities_ = 0;
  static constexpr std::string_view unknown_system = "other_sql";
  std::string_view system_ = unknown_system;  // db.system.name
  std::string version_, user_, program_, schema_;
  Exchange login_;  // for when it is refused
};

}  // namespace subfloor::protocols::mysql
