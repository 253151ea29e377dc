// SPDX-License-Identifier: Apache-2.0
// From the bytes of one direction to packets: a length of three bytes, a sequence number, a payload. Payloads of 16 MiB
// and more come in several packets and are one here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/secret.h"

namespace subfloor::protocols::mysql {

inline constexpr std::uint32_t longest_packet = 0xffffff;  // of payload; one this long goes on in the next
inline constexpr std::size_t packet_header = 4;  // bytes

class Packets {
 public:
  enum class Step : std::uint8_t {
    more,  // all bytes are taken
    head,  // the beginning of a payload is there: head(), length(), sequence()
    end,  // the payload that head() told of is over
    wrong,  // a packet that goes on does so under a wrong number
  };

  // `wanted`: how many bytes of a payload head() shall have, where there are so many.
  explicit Packets(std::size_t wanted) : wanted_(wanted) {}

  // Takes what is needed for the next step off the front of `bytes`.
  [[nodiscard]] Step take(std::string_view& bytes);
  // `count` bytes passed whose content nobody has; takes those off that belong to a payload that is under way.
  // Step::more with some of them left: framing is lost.
  [[nodiscard]] Step pass(std::uint64_t& count);
  // Give up what was begun: a packet begins with the next byte.
  void reset();
  // In the compressed protocol the numbers within a payload need not follow each other.
  void ignore_sequence() { strict_ = false; }

  // Of the payload under way; head() is good until the next take(). It is shorter than wanted and than the payload
  // where the rest was not copied.
  [[nodiscard]] std::string_view head() const { return head_; }
  [[nodiscard]] std::uint32_t length() const { return first_length_; }  // of its first packet
  [[nodiscard]] std::uint8_t sequence() const { return sequence_; }  // of its last packet so far
  [[nodiscard]] std::uint64_t passed() const { return payload_; }  // bytes of payload so far

  [[nodiscard]] bool at_boundary() const { return state_ == State::header && header_size_ == 0 && !continues_; }
  // Bytes of payload that are still to come in this packet and of whose content nothing is needed.
  [[nodiscard]] std::uint64_t skippable() const { return state_ == State::rest ? remaining_ : 0; }

 private:
  enum class State : std::uint8_t { header, head, rest };

  void begin_packet();
  [[nodiscard]] Step give_head(std::string_view head);
  [[nodiscard]] Step finish_packet();

  std::size_t wanted_;
  State state_ = State::header;
  bool continues_ = false;  // the packet in the making belongs to the payload before
  bool in_order_ = true;
  bool strict_ = true;
  std::uint8_t header_[packet_header] = {};
  std::uint8_t header_size_ = 0;
  std::uint8_t sequence_ = 0;
  std::uint32_t first_length_ = 0, length_ = 0, remaining_ = 0;
  std::uint64_t payload_ = 0;
  std::string_view head_;
  SecretString buffer_;  // a head that came in pieces
};

}  // namespace subfloor::protocols::mysql
