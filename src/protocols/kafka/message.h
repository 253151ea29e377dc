// SPDX-License-Identifier: Apache-2.0
// Walks through one message by its layout, as its bytes arrive, however they are cut. Holds no more of it than one name.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/kafka/schema.h"

namespace subfloor::protocols::kafka {

inline constexpr std::size_t text_limit = 255;  // bytes kept of a string; topics have 249 at most

// Hears of the fields that have a role. Texts and ids are valid only during the call.
class Visitor {
 public:
  virtual void on_number(Role role, std::int64_t value) = 0;
  virtual void on_text(Role role, std::string_view text) = 0;  // its first text_limit bytes; not called for null
  virtual void on_id(std::string_view id) = 0;                 // 16 bytes
  virtual void on_element_begin(Role role, std::uint32_t left) = 0;  // of an array; `left` elements, with this one
  virtual void on_element_end(Role role) = 0;

 protected:
  ~Visitor() = default;
};

class MessageReader {
 public:
  // `length` bytes of the message follow. Flexible: with compact lengths and tagged fields.
  void begin(Schema schema, int version, bool flexible, std::uint64_t length, Visitor& visitor);

  // Takes what it can use of the bytes, and returns how many: all of them, but where the layout ends, is unknown or is
  // contradicted before.
  std::size_t take(std::string_view bytes, Visitor& visitor);

  // That many bytes passed whose content nobody has; false where content was needed: nothing more can be read then.
  bool pass(std::uint64_t count, Visitor& visitor);

  // How many bytes from here on are passed over whatever they hold.
  [[nodiscard]] std::uint64_t unneeded() const { return step_ == Step::skip ? left_in_step_ : 0; }
  // Nothing that is wanted is still to come.
  [[nodiscard]] bool settled() const;
  // The layout ended, with this many bytes of the message left over.
  [[nodiscard]] bool finished() const { return state_ == State::finished; }
  [[nodiscard]] std::uint64_t left() const { return left_; }
  [[nodiscard]] bool undescribed() const { return state_ == State::rest; }  // what is left has no layout
  [[nodiscard]] bool bad() const { return state_ == State::bad; }          // the bytes contradict the layout

 private:
  enum class State : std::uint8_t { reading, finished, rest, bad };
  enum class Step : std::uint8_t { fixed, varint, text, skip };
  enum class Meaning : std::uint8_t { number, id, string_length, bytes_length, count, tag_count, tag, tag_size };
  struct Level {  // an array that is being walked through
    std::size_t first = 0;  // field of an element
    std::uint32_t left = 0;  // elements, with this one
  };
  static constexpr std::size_t depth_limit = 6;

  void next_field(Visitor& visitor);
  void start(const Field& field);
  void open_array(std::int64_t count, Visitor& visitor);
  void end_element(Visitor& visitor);
  void expect(Meaning meaning, std::size_t width);
  void expect_varint(Meaning meaning);
  void expect_length(Meaning meaning, std::size_t width, bool compact);
  void skip(std::uint64_t count, Visitor& visitor);
  void after_skip(Visitor& visitor);
  std::size_t take_fixed(std::string_view bytes, Visitor& visitor);
  std::size_t take_varint(std::string_view bytes, Visitor& visitor);
  std::size_t take_text(std::string_view bytes, Visitor& visitor);
  void on_fixed(std::string_view bytes, Visitor& visitor);
  void on_value(std::int64_t value, Visitor& visitor);
  void on_length(std::int64_t length, Visitor& visitor);
  void consume(std::size_t count) { left_ -= count; }
  [[nodiscard]] std::size_t after_end(std::size_t at) const;
  [[nodiscard]] bool wants_from(std::size_t& at) const;

  Schema schema_;
  int version_ = 0;
  bool flexible_ = false;
  State state_ = State::finished;
  Step step_ = Step::fixed;
  Meaning meaning_ = Meaning::number;
  bool compact_ = false;    // the number being read is one more than the length
  bool in_tags_ = false;    // of the structure that ends
  bool tags_read_ = false;
  std::uint64_t left_ = 0;  // bytes of the message
  std::uint64_t left_in_step_ = 0;
  std::size_t at_ = 0;  // the field being read
  std::size_t depth_ = 0;
  std::array<Level, depth_limit> levels_{};
  std::uint64_t tags_left_ = 0;
  std::uint64_t varint_ = 0;
  std::uint8_t shift_ = 0;
  std::uint16_t have_ = 0;  // bytes in text_
  std::uint64_t text_left_over_ = 0;  // bytes of the string that are not kept
  std::array<char, text_limit> text_{};
};

}  // namespace subfloor::protocols::kafka
