// SPDX-License-Identifier: Apache-2.0
// One connection end that speaks Kafka: the messages of both directions, paired into calls. See README.md for the
// rules.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocols/kafka/exchange.h"
#include "protocols/kafka/message.h"
#include "protocols/kafka/pairing.h"
#include "protocols/session.h"

namespace subfloor::protocols::kafka {

// What one session may hold at most, whatever the peer sends.
inline constexpr std::size_t session_memory_limit = 1024 * 1024;

class KafkaSession final : public Session {
 public:
  explicit KafkaSession(const Options& options);

  [[nodiscard]] Next on_segment(const Segment& segment, CallSink& sink) override;
  void on_lost(Direction direction, Nanoseconds when, CallSink& sink) override;
  void on_close(Nanoseconds when, CallSink& sink) override;
  [[nodiscard]] std::size_t active(Kind kind) const override;

  // Something was missing or could not be read, so messages may have to be searched for at the beginning of segments:
  // from here on the result may depend on how the stream was cut.
  [[nodiscard]] bool depends_on_segments() const { return tolerant_; }

 private:
  // One direction. A message is its length, a head of fixed size, the rest of the header, and the body.
  struct Flow {
    enum class State : std::uint8_t { length, head, header, body, tail, searching };

    State state = State::length;
    Collector::Side side = Collector::Side::request;
    bool tentative = false;  // the message was found by searching, and may turn out to be none
    bool described = false;  // its layout is known, and was as long as the message
    bool held = false;  // what passes is appended to what is held
    std::uint8_t have = 0;  // bytes in `bytes`
    std::array<char, 8> bytes{};  // of the length, or of the head
    std::uint64_t size = 0, left = 0;  // of the message, without its length
    Nanoseconds first = 0, last = 0;  // its first byte; the last that was heard of
    std::uint32_t position = 0;  // of its first byte
    std::optional<std::int32_t> correlation;  // of the last request
    bool ended_with_segment = false;  // that request
    Exchange* exchange = nullptr;  // null where the message is of no interest
    MessageReader reader;
    Collector collector;

    [[nodiscard]] bool requests() const { return side == Collector::Side::request; }
  };
  using State = Flow::State;

  // A response whose request was not heard of: the record of a send can come after that of its answer.
  struct Held {
    std::int32_t correlation = 0;
    std::uint64_t size = 0;  // of the message, behind the correlation id
    Nanoseconds first = 0, end = 0;
    std::array<char, 8> id{};  // the correlation id as it came
    bool complete = false;
    std::string head = {};  // its beginning
  };

  [[nodiscard]] Flow& flow(Direction d) { return flows_[static_cast<std::size_t>(d)]; }
  void learn_sides(Direction of_requests);

  void take(Flow& in, std::string_view bytes, bool ends_here, const Segment& s, CallSink& sink);
  void pass(Flow& in, std::uint64_t count, const Segment& s, CallSink& sink);
  [[nodiscard]] std::size_t take_part(Flow& in, std::string_view bytes, const Segment& s, CallSink& sink);
  static std::size_t collect(Flow& in, std::string_view bytes, std::size_t wanted);
  void on_length(Flow& in, Nanoseconds when, CallSink& sink);
  void on_head(Flow& in, const Segment& s, CallSink& sink);
  void on_request_head(Flow& in, const Segment& s, CallSink& sink);
  void on_response_head(Flow& in, CallSink& sink);
  void begin_header(Flow& in);
  void begin_body(Flow& in);
  void after_reading(Flow& in, CallSink& sink);
  void begin_tail(Flow& in, bool read);
  void on_gap_in_body(Flow& in, std::uint64_t& count, CallSink& sink);

  // session_held.cpp
  void hold(Flow& in, std::int32_t correlation);
  void hold_more(std::string_view bytes);
  void end_held(Nanoseconds end, CallSink& sink);
  void answer_from_held(Exchange& request, CallSink& sink);

  // Ends of messages, and what is missing (session_ends.cpp).
  void on_end(Flow& in, bool ends_here, const Segment& s, CallSink& sink);
  void end_request(Flow& in, bool ends_here, const Segment& s, CallSink& sink);
  void end_response(Flow& in, const Segment& s, CallSink& sink);
  void refute(Flow& in, CallSink& sink);
  void fail(Flow& in, CallSink& sink);
  void lose(Flow& in, CallSink& sink);
  void keep_what_was_read(Flow& in);
  void search(Flow& in);
  [[nodiscard]] static bool may_go_on(const Flow& in);
  [[nodiscard]] Next next(const Flow& in) const;

  bool sides_known_;
  bool tolerant_;  // bytes may be missing: search, don't give up
  bool confirmed_;  // what was taken for requests are some
  std::uint32_t run_ = 0;  // how often requests were searched for
  bool tokens_ = false;  // after SaslHandshake 0, messages without a header pass
  bool over_ = false;
  std::array<Flow, 2> flows_;
  Pairing pairing_;
  std::optional<Held> held_;
};

}  // namespace subfloor::protocols::kafka
