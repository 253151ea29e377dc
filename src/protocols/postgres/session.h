// SPDX-License-Identifier: Apache-2.0
// One connection end that speaks PostgreSQL's protocol 3: messages of both directions, paired into calls. See README.md
// for the rules.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocols/postgres/named.h"
#include "protocols/postgres/outstanding.h"
#include "protocols/postgres/reader.h"
#include "protocols/postgres/wire.h"
#include "protocols/session.h"

namespace subfloor::protocols::postgres {

// What one session may hold at most, whatever the peers say.
inline constexpr std::size_t session_memory_limit = 8 * 1024 * 1024;

inline constexpr std::size_t statements_limit = 256;  // prepared statements that a connection's names are kept of
inline constexpr std::size_t portals_limit = 32;  // likewise portals
inline constexpr std::size_t texts_limit = 64 * 1024;  // bytes of their sanitised texts
inline constexpr std::uint64_t search_limit = 1024 * 1024;  // bytes without a message of a connection never understood

class PostgresSession final : public Session {
 public:
  explicit PostgresSession(const Options& options);

  [[nodiscard]] Next on_segment(const Segment& segment, CallSink& sink) override;
  void on_lost(Direction direction, Nanoseconds when, CallSink& sink) override;
  void on_close(Nanoseconds when, CallSink& sink) override;
  [[nodiscard]] std::size_t active(Kind kind) const override;

  // Something was missing, so that messages had to be searched for at the beginning of segments: the result may depend
  // on how the stream was cut.
  [[nodiscard]] bool depends_on_segments() const { return tolerant_; }

 private:
  struct Stream {
    Reader reader;
    bool searching = false;  // framing was lost
    Nanoseconds heard = 0;  // last byte of all
    std::uint64_t ignored = 0;
  };

  [[nodiscard]] Stream& stream(Direction d) { return streams_[static_cast<std::size_t>(d)]; }
  [[nodiscard]] bool sends_requests(Direction d) const { return request_side_ == d; }
  [[nodiscard]] Stream& requests() { return stream(*request_side_); }
  [[nodiscard]] Stream& responses() { return stream(opposite(*request_side_)); }
  [[nodiscard]] bool is_server() const { return request_side_ == Direction::inbound; }

  // session.cpp: bytes to messages.
  void set_sides(Direction requests);
  [[nodiscard]] bool learn_sides(const Segment& s);
  [[nodiscard]] bool find_message(Stream& in, const Segment& s, CallSink& sink);
  void take(Stream& in, const Segment& s, CallSink& sink);
  void pass(Stream& in, const Segment& s, CallSink& sink);
  void on_begun(const Stream& in, const Segment& s);
  void on_message(const Stream& in, const Segment& s, CallSink& sink);
  void on_garbage(Stream& in, const Segment& s, CallSink& sink);
  void lose(Stream& in, CallSink& sink);
  [[nodiscard]] Next next(Stream& in);
  void finish(Next::Action action, Nanoseconds when, CallSink& sink);

  // requests.cpp: what a frontend says.
  void before_requests(CallSink& sink);
  void settle_early(const Origin& origin, CallSink& sink);
  void on_startup(const Message& m, const Segment& s, CallSink& sink);
  void on_request(const Message& m, const Origin& origin, const Segment& s, CallSink& sink);
  void on_parse(std::string_view content, std::uint64_t length, const Origin& origin, const Segment& s, CallSink& sink);
  void on_bind(std::string_view content);
  void on_execute(std::string_view content, const Segment& s, CallSink& sink);
  void on_close_named(std::string_view content);
  void on_sync(CallSink& sink);
  void begin_run(const Message& m, const Origin& origin);
  void forget_deallocated(const sql::Statement& statement);
  void describe(std::string_view text, bool cut, Known& into);
  Exchange& push_call(Step step, const Origin& origin, const Segment& s, CallSink& sink);
  void push_step(Step step, CallSink& sink);

  // responses.cpp: what a backend says.
  [[nodiscard]] bool on_encryption_answer(char answer, const Segment& s, CallSink& sink);
  void on_response_begun(const Message& m, const Segment& s);
  void on_response(const Message& m, const Segment& s, CallSink& sink);
  void on_parameter(std::string_view content);
  void on_complete(const Message& m, const Segment& s, CallSink& sink);
  void on_failure(std::string_view content, const Segment& s, CallSink& sink);
  void on_failed_run(const Failure& failure, const Segment& s, CallSink& sink);
  void on_ready(const Segment& s, CallSink& sink);
  void on_tail(const Tail& tail, const Segment& s, CallSink& sink);
  void on_copy_in(Exchange* exchange);
  [[nodiscard]] Exchange* answered_by(char type, const Segment& s, CallSink& sink);
  void count_result(Exchange& exchange, const CommandTag& tag);

  // calls.cpp: how calls end.
  [[nodiscard]] Exchange& oldest() { return calls_[held_ ? 1 : 0]; }
  void pop_step();
  void pop_call(CallSink& sink, bool told);
  void tell_unseen(std::string_view command, std::string_view state, const Segment& s, CallSink& sink);
  void release_held(CallSink& sink);
  void give_up(std::uint8_t why, Nanoseconds end, CallSink& sink);
  void tell(Exchange& exchange, CallSink& sink);
  void add_attributes(const Exchange& call);
  [[nodiscard]] std::uint8_t reason_for_gaps() const { return lost_any_ ? partial_lost : partial_joined_late; }

  const bool keep_text_;
  bool tolerant_;  // bytes that are no message may be there for want of others
  bool lost_any_ = false;
  bool settled_;  // nothing from before the first request seen can be waiting for its answer
  bool unsure_ = false;  // which answer is whose is not certain
  bool pipelined_ = false;  // the peer has been seen not to wait for answers
  bool ready_ = false;  // the last of the answers was ReadyForQuery
  bool understood_ = false;
  bool encryption_asked_ = false;
  bool to_tls_ = false;  // as agreed in the segment at hand
  bool copy_in_ = false;  // the frontend sends data: Sync means nothing there
  bool failing_ = false;  // what comes before the next Sync is discarded
  bool held_ = false;  // the oldest call is answered, and waits for what Sync brings
  std::optional<Direction> request_side_;
  std::optional<Next::Action> over_;
  std::array<Stream, 2> streams_;

  std::string database_, user_, application_;
  std::optional<bool> backslash_escapes_;
  Named statements_, portals_;

  struct Run {  // messages that lead to an Execute
    bool begun = false;
    Origin origin;
    std::uint64_t bytes = 0;
  };
  Run run_;
  Nanoseconds early_ = 0;  // when an answer ended that answered nothing
  Ring<Step> steps_;
  Ring<Exchange> calls_;  // those of the steps that are calls, and before them the one that is held
  std::size_t syncs_ = 0;  // of the steps, those that ReadyForQuery answers
  Exchange unseen_;
  Call call_;
};

}  // namespace subfloor::protocols::postgres
