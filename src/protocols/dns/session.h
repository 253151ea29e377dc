// SPDX-License-Identifier: Apache-2.0
// The DNS of one connection end, or of the datagrams between a socket and one peer. See README.md for the rules.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/dns/message.h"
#include "protocols/session.h"

namespace subfloor::protocols::dns {

inline constexpr std::size_t outstanding_limit = 256;  // queries that wait, or are remembered as given up
inline constexpr std::size_t content_limit = 4096;  // bytes looked at of a message in a stream
// What one session may hold at most: the queries with their names, a message in the making each way, the call.
inline constexpr std::size_t session_memory_limit = 192 * 1024;
inline constexpr Nanoseconds query_timeout = 5'000'000'000;  // as resolv.conf's default
inline constexpr Nanoseconds remembered = 30'000'000'000;  // how long a query is known after it was given up
inline constexpr Nanoseconds copy_interval = 10'000'000;  // again so soon is a packet captured twice: nobody retries
inline constexpr Nanoseconds least_patience = 1'000'000'000;  // no resolver can be told to wait less

class DnsSession final : public Session {
 public:
  explicit DnsSession(const Options& options);

  [[nodiscard]] Next on_segment(const Segment& segment, CallSink& sink) override;
  void on_lost(Direction direction, Nanoseconds when, CallSink& sink) override;
  void on_close(Nanoseconds when, CallSink& sink) override;
  void on_tick(Nanoseconds now, CallSink& sink) override;
  [[nodiscard]] std::size_t active(Kind kind) const override;

  // Framing was lost, so that messages have to be searched for at the beginning of segments: from here on the result
  // may depend on how the stream was cut.
  [[nodiscard]] bool depends_on_segments() const { return searched_; }

 private:
  struct Query {
    std::uint16_t id = 0;
    Direction direction = Direction::inbound;  // in which it went
    bool given_up = false;  // told of, without an answer
    bool answer_may_be_lost = false;
    std::uint32_t retries = 0;
    Question question;
    Nanoseconds start = 0, end = 0;  // of its bytes, the first time
    Nanoseconds last = 0;  // begin of its bytes, the last time
    std::uint32_t pid = 0, tid = 0;
    std::uint64_t size = 0;
  };

  // One direction of a stream.
  struct Stream {
    bool searching = false;  // framing was lost
    std::uint32_t prefix = 0;  // bytes of the length so far
    std::uint16_t length = 0;  // of the message in the making
    std::uint32_t passed = 0;  // of it
    std::string content;  // the first of them
    bool cut = false;  // some of those were not copied
    Segment first;  // times and thread of its first byte
  };

  struct Message {
    std::string_view bytes;
    std::uint64_t length;
    Direction direction;
    Nanoseconds begin, end;
    std::uint32_t pid, tid;
  };

  [[nodiscard]] Next on_stream(const Segment& segment, CallSink& sink);
  [[nodiscard]] bool take_stream(Stream& stream, std::string_view& bytes, const Segment& segment, CallSink& sink);
  void pass_uncopied(Stream& stream, std::uint64_t count, const Segment& segment, CallSink& sink);
  void search(Stream& stream);
  [[nodiscard]] bool on_message(const Message& message, CallSink& sink);
  void on_query(const Message& message, const Header& header, CallSink& sink);
  void on_response(const Message& message, const Header& header, std::size_t at, CallSink& sink);
  [[nodiscard]] Query* find(std::uint16_t id, Direction direction, const Question* question);
  void begin_call(Direction query, const Question& question);
  void begin_call(const Query& query);
  void finish_call(const Message& message, const Header& header, const Question& question, std::size_t at,
                   CallSink& sink);
  void give_up(Query& query, Nanoseconds end, CallSink& sink);
  [[nodiscard]] Query& new_query(Nanoseconds now, CallSink& sink);
  void remove(const Query& query);
  [[nodiscard]] std::span<Query> waiting() { return {queries_.data(), count_}; }
  Stream& stream(Direction direction) { return streams_[static_cast<std::size_t>(direction)]; }

  const bool datagrams_;
  bool late_;  // joined late: answers may come whose query nobody saw
  bool lost_ = false;  // the same, after a loss
  bool searched_ = false;
  Nanoseconds strangers_until_ = 0;  // until when such answers are told of; 0 while no message has come
  std::vector<Query> queries_;  // the first count_ are in use, oldest first; the rest keep their names' room
  std::size_t count_ = 0;
  std::array<Stream, 2> streams_;
  Question question_;  // of the message being read
  Answers answers_;
  Call call_;
};

extern const Protocol protocol;

}  // namespace subfloor::protocols::dns
