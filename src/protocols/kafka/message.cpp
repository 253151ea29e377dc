// SPDX-License-Identifier: Apache-2.0
#include "protocols/kafka/message.h"

#include <algorithm>
#include <cstring>

#include "protocols/kafka/bytes.h"

namespace subfloor::protocols::kafka {
namespace {

constexpr std::size_t id_size = 16;

bool opens(const Field& field) { return field.type == Type::array || field.type == Type::list; }

}  // namespace

void MessageReader::begin(Schema schema, int version, bool flexible, std::uint64_t length,
                          Visitor& visitor) {
  schema_ = schema;
  version_ = version;
  flexible_ = flexible;
  state_ = State::reading;
  in_tags_ = tags_read_ = false;
  left_ = length;
  left_in_step_ = 0;
  at_ = depth_ = 0;
  next_field(visitor);
}

// The field behind the `end` of the array at `at`.
std::size_t MessageReader::after_end(std::size_t at) const {
  std::size_t depth = 0;
  do {
    if (opens(schema_[at])) ++depth;
    if (schema_[at].type == Type::end) --depth;
    ++at;
  } while (depth > 0);
  return at;
}

void MessageReader::next_field(Visitor& visitor) {
  for (;;) {
    if (at_ >= schema_.size()) {
      if (flexible_ && !tags_read_) return expect_varint(Meaning::tag_count);
      state_ = State::finished;
      return;
    }
    const Field& field = schema_[at_];
    if (field.type == Type::end) {
      const bool bare = schema_[levels_[depth_ - 1].first - 1].type == Type::list;
      if (flexible_ && !bare && !tags_read_) return expect_varint(Meaning::tag_count);
      end_element(visitor);
    } else if (!field.in(version_)) {
      at_ = opens(field) ? after_end(at_) : at_ + 1;
    } else {
      return start(field);
    }
  }
}

void MessageReader::end_element(Visitor& visitor) {
  tags_read_ = false;
  Level& level = levels_[depth_ - 1];
  const Role role = schema_[level.first - 1].role;
  if (role != Role::none) visitor.on_element_end(role);
  if (--level.left == 0) {
    --depth_;
    ++at_;
    return;
  }
  at_ = level.first;
  if (role != Role::none) visitor.on_element_begin(role, level.left);
}

void MessageReader::start(const Field& field) {
  switch (field.type) {
    case Type::int8: return expect(Meaning::number, 1);
    case Type::int16: return expect(Meaning::number, 2);
    case Type::int32: return expect(Meaning::number, 4);
    case Type::int64: return expect(Meaning::number, 8);
    case Type::uuid: return expect(Meaning::id, id_size);
    case Type::plain_string: return expect_length(Meaning::string_length, 2, false);
    case Type::string: return expect_length(Meaning::string_length, 2, flexible_);
    case Type::bytes: return expect_length(Meaning::bytes_length, 4, flexible_);
    case Type::array:
    case Type::list: return expect_length(Meaning::count, 4, flexible_);
    case Type::end: break;
    case Type::rest: state_ = State::rest;
  }
}

void MessageReader::expect(Meaning meaning, std::size_t width) {
  meaning_ = meaning;
  step_ = Step::fixed;
  left_in_step_ = width;
  have_ = 0;
  compact_ = false;
}

void MessageReader::expect_varint(Meaning meaning) {
  meaning_ = meaning;
  step_ = Step::varint;
  left_in_step_ = 1;
  varint_ = 0;
  shift_ = 0;
  compact_ = false;
}

void MessageReader::expect_length(Meaning meaning, std::size_t width, bool compact) {
  if (compact) {
    expect_varint(meaning);
    compact_ = true;
  } else {
    expect(meaning, width);
  }
}

std::size_t MessageReader::take(std::string_view bytes, Visitor& visitor) {
  bytes = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), left_)));
  std::string_view rest = bytes;
  while (state_ == State::reading && !rest.empty()) {
    std::size_t taken = 0;
    switch (step_) {
      case Step::fixed: taken = take_fixed(rest, visitor); break;
      case Step::varint: taken = take_varint(rest, visitor); break;
      case Step::text: taken = take_text(rest, visitor); break;
      case Step::skip:
        taken = static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), left_in_step_));
        (void)pass(taken, visitor);
        break;
    }
    rest.remove_prefix(taken);
  }
  return bytes.size() - rest.size();
}

bool MessageReader::pass(std::uint64_t count, Visitor& visitor) {
  if (count == 0) return true;
  if (state_ != State::reading || step_ != Step::skip || count > left_in_step_) return false;
  left_ -= count;
  left_in_step_ -= count;
  if (left_in_step_ == 0) after_skip(visitor);
  return true;
}

std::size_t MessageReader::take_fixed(std::string_view bytes, Visitor& visitor) {
  const auto wanted = static_cast<std::size_t>(left_in_step_);
  if (have_ == 0 && bytes.size() >= wanted) {
    consume(wanted);
    on_fixed(bytes.substr(0, wanted), visitor);
    return wanted;
  }
  const std::size_t taken = std::min(bytes.size(), wanted);
  std::memcpy(text_.data() + have_, bytes.data(), taken);
  have_ = static_cast<std::uint16_t>(have_ + taken);
  left_in_step_ -= taken;
  consume(taken);
  if (left_in_step_ == 0) on_fixed({text_.data(), have_}, visitor);
  return taken;
}

void MessageReader::on_fixed(std::string_view bytes, Visitor& visitor) {
  if (meaning_ == Meaning::id) {
    if (schema_[at_].role != Role::none) visitor.on_id(bytes);
    ++at_;
    return next_field(visitor);
  }
  on_value(big_endian(bytes), visitor);
}

std::size_t MessageReader::take_varint(std::string_view bytes, Visitor& visitor) {
  const auto byte = static_cast<std::uint8_t>(bytes.front());
  consume(1);
  varint_ |= static_cast<std::uint64_t>(byte & 0x7f) << shift_;
  shift_ = static_cast<std::uint8_t>(shift_ + 7);
  if ((byte & 0x80) == 0) {
    on_value(static_cast<std::int64_t>(varint_) - (compact_ ? 1 : 0), visitor);
  } else if (shift_ > 28) {
    state_ = State::bad;
  }
  return 1;
}

void MessageReader::on_value(std::int64_t value, Visitor& visitor) {
  switch (meaning_) {
    case Meaning::number: {
      const Role role = schema_[at_].role;
      if (role != Role::none) visitor.on_number(role, value);
      ++at_;
      return next_field(visitor);
    }
    case Meaning::string_length:
    case Meaning::bytes_length: return on_length(value, visitor);
    case Meaning::count: return open_array(value, visitor);
    case Meaning::tag_count:
      in_tags_ = value > 0;
      tags_read_ = !in_tags_;
      tags_left_ = static_cast<std::uint64_t>(value);
      return in_tags_ ? expect_varint(Meaning::tag) : next_field(visitor);
    case Meaning::tag: return expect_varint(Meaning::tag_size);
    case Meaning::tag_size: return skip(static_cast<std::uint64_t>(value), visitor);
    case Meaning::id: break;
  }
}

void MessageReader::open_array(std::int64_t count, Visitor& visitor) {
  // An element has a byte at least, so that nobody can have us go round for longer than the message is.
  if (count > static_cast<std::int64_t>(left_) || depth_ == depth_limit) {
    state_ = State::bad;
    return;
  }
  if (count <= 0) {
    at_ = after_end(at_);
    return next_field(visitor);
  }
  const Role role = schema_[at_].role;
  ++at_;
  levels_[depth_++] = {at_, static_cast<std::uint32_t>(count)};
  if (role != Role::none) visitor.on_element_begin(role, static_cast<std::uint32_t>(count));
  next_field(visitor);
}

void MessageReader::on_length(std::int64_t length, Visitor& visitor) {
  const Role role = schema_[at_].role;
  if (length < 0 || role == Role::none) return skip(length < 0 ? 0 : static_cast<std::uint64_t>(length), visitor);
  if (static_cast<std::uint64_t>(length) > left_) {
    state_ = State::bad;
    return;
  }
  if (length == 0) {
    visitor.on_text(role, {});
    ++at_;
    return next_field(visitor);
  }
  step_ = Step::text;
  have_ = 0;
  left_in_step_ = std::min<std::uint64_t>(static_cast<std::uint64_t>(length), text_limit);
  text_left_over_ = static_cast<std::uint64_t>(length) - left_in_step_;
}

std::size_t MessageReader::take_text(std::string_view bytes, Visitor& visitor) {
  const std::size_t taken = std::min(bytes.size(), static_cast<std::size_t>(left_in_step_));
  std::string_view text = bytes.substr(0, taken);
  if (have_ != 0 || taken < left_in_step_) {
    std::memcpy(text_.data() + have_, bytes.data(), taken);
    have_ = static_cast<std::uint16_t>(have_ + taken);
    text = {text_.data(), have_};
  }
  left_in_step_ -= taken;
  consume(taken);
  if (left_in_step_ == 0) {
    visitor.on_text(schema_[at_].role, text);
    skip(text_left_over_, visitor);
  }
  return taken;
}

void MessageReader::skip(std::uint64_t count, Visitor& visitor) {
  if (count > left_) {
    state_ = State::bad;
    return;
  }
  step_ = Step::skip;
  left_in_step_ = count;
  if (count == 0) after_skip(visitor);
}

// Behind a string, behind bytes, or behind a tagged field.
void MessageReader::after_skip(Visitor& visitor) {
  if (!in_tags_) {
    ++at_;
    return next_field(visitor);
  }
  if (--tags_left_ > 0) return expect_varint(Meaning::tag);
  in_tags_ = false;
  tags_read_ = true;
  next_field(visitor);
}

// Whether a field from `at` until the end of its element has a role; `at` is then, or else, behind that end.
bool MessageReader::wants_from(std::size_t& at) const {
  while (at < schema_.size() && schema_[at].type != Type::end) {
    const std::size_t after = opens(schema_[at]) ? after_end(at) : at + 1;
    if (schema_[at].in(version_)) {
      for (std::size_t i = at; i < after; ++i) {
        if (schema_[i].role != Role::none && schema_[i].in(version_)) return true;
      }
    }
    at = after;
  }
  ++at;
  return false;
}

bool MessageReader::settled() const {
  if (state_ != State::reading) return state_ != State::bad;
  // Elements are taken from their beginning, and what is being read now is wanted unless it is passed over.
  std::size_t at = at_;
  if (step_ == Step::skip && !in_tags_) {
    ++at;
  }
  for (std::size_t level = depth_; level > 0; --level) {
    if (wants_from(at)) return false;
    if (levels_[level - 1].left > 1) {
      std::size_t first = levels_[level - 1].first;
      if (wants_from(first)) return false;
    }
  }
  return !wants_from(at);
}

}  // namespace subfloor::protocols::kafka
