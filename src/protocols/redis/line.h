// SPDX-License-Identifier: Apache-2.0
// Lines of a stream that comes in pieces, and the numbers in them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace subfloor::protocols::redis {

// The line in the making. Of long lines only the beginning is kept.
class Line {
 public:
  static constexpr std::size_t kept = 96;

  // Takes bytes up to and with the next '\n'. True: the line is complete, and text() good until those bytes go, or the
  // next take().
  bool take(std::string_view& bytes) {
    const void* const found = std::memchr(bytes.data(), '\n', bytes.size());
    const std::size_t size =
        found == nullptr ? bytes.size() : static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data()) + 1;
    if (found != nullptr && size_ == 0) {
      text_ = bytes.substr(0, std::min(size, kept));
    } else {
      store(bytes.substr(0, size));
    }
    length_ = size_ + size;
    size_ = found == nullptr ? length_ : 0;
    bytes.remove_prefix(size);
    return found != nullptr;
  }

  // The beginning of the line, without its end ("\r\n" or "\n") where that is part of it.
  [[nodiscard]] std::string_view text() const {
    std::string_view text = text_;
    if (text.size() < length_) return text;
    text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
  }
  [[nodiscard]] bool whole() const { return text_.size() == length_; }  // text() is all of it
  [[nodiscard]] bool ends_with_crlf() const { return !whole() || text_.ends_with("\r\n"); }  // as far as is known
  [[nodiscard]] std::uint64_t length() const { return length_; }  // of the line, its end included
  [[nodiscard]] bool begun() const { return size_ != 0; }
  [[nodiscard]] std::uint64_t size() const { return size_; }  // of what there is of a line that is not complete

  // It may have held a password.
  void wipe() {
    explicit_bzero(buffer_.data(), buffer_.size());
    text_ = {};
    size_ = 0;
  }

 private:
  void store(std::string_view bytes) {
    if (size_ < kept) {
      const std::size_t stored = std::min<std::size_t>(bytes.size(), kept - size_);
      std::memcpy(buffer_.data() + size_, bytes.data(), stored);
    }
    text_ = {buffer_.data(), static_cast<std::size_t>(std::min<std::uint64_t>(size_ + bytes.size(), kept))};
  }

  std::array<char, kept> buffer_{};
  std::string_view text_;
  std::uint64_t size_ = 0, length_ = 0;
};

// A decimal number of at most 18 digits, '-' before it where it may be negative; all of text, or nothing.
[[nodiscard]] inline std::optional<std::int64_t> parse_number(std::string_view text, bool may_be_negative) {
  const bool negative = may_be_negative && text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::int64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return negative ? -number : number;
}

}  // namespace subfloor::protocols::redis
