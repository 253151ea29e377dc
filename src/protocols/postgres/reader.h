// SPDX-License-Identifier: Apache-2.0
// One direction's bytes, however they are cut, to messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/secret.h"
#include "protocols/postgres/wire.h"
#include "protocols/session.h"

namespace subfloor::protocols::postgres {

struct Message {
  char type = 0;                  // 0: the untyped one that begins a connection
  std::uint64_t length = 0;       // of its content
  std::string_view content = {};  // the beginning of it, as far as it is read; good until the next one
};

// Where a message began.
struct Origin {
  Nanoseconds begin = 0, end = 0;
  std::uint32_t pid = 0, tid = 0;
  std::optional<std::uint32_t> position = {};
};

class Reader {
 public:
  enum class Found : std::uint8_t {
    nothing,  // the bytes are used up
    begun,    // a message's header: message() has type and length
    message,  // its end
    garbage,  // no message begins here
  };

  void set_side(Side side) { side_ = side; }
  void expect_untyped() { untyped_ = true; }

  // Goes on reading, taking what it reads off the bytes.
  [[nodiscard]] Found read(std::string_view& bytes, const Segment& segment);
  // Bytes that nobody saw: message where they end one, garbage where they hide where the next one begins.
  [[nodiscard]] Found pass(std::uint64_t& count, const Segment& segment);
  void reset();  // the next byte begins a message

  [[nodiscard]] const Message& message() const { return message_; }
  [[nodiscard]] const Origin& origin() const { return origin_; }
  [[nodiscard]] bool between_messages() const { return !in_message_ && header_bytes_ == 0; }
  [[nodiscard]] bool wants_nothing() const { return wanted_ == 0; }
  [[nodiscard]] std::uint64_t unread() const { return in_message_ ? left_ : 0; }  // bytes of the message

 private:
  [[nodiscard]] Found begin(std::string_view header);
  [[nodiscard]] Found read_header(std::string_view& bytes, const Segment& segment);
  [[nodiscard]] Found read_content(std::string_view& bytes);
  [[nodiscard]] Found end();

  Side side_ = Side::frontend;
  bool untyped_ = false;
  bool in_message_ = false;
  bool complete_ = false;  // message() was told, its content may go
  std::uint64_t left_ = 0;  // bytes of the message that are to come
  std::size_t wanted_ = 0;  // bytes of its content that are still to be kept
  char header_[header_size] = {};
  std::size_t header_bytes_ = 0;
  Message message_;
  Origin origin_;
  SecretString content_;  // of a message that came in pieces: it may hold values
};

}  // namespace subfloor::protocols::postgres
