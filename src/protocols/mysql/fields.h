// SPDX-License-Identifier: Apache-2.0
// The fields of a packet: little-endian integers, texts that end with NUL or say their length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace subfloor::protocols::mysql {

// Takes fields off the front. Once one was not whole, ok() is false and everything reads as zero and empty.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t left() const { return bytes_.size(); }
  [[nodiscard]] std::string_view rest() const { return bytes_; }

  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  void skip(std::uint64_t size) { (void)take(size); }

  // Of `size` bytes, at most 8.
  std::uint64_t integer(std::size_t size) {
    std::uint64_t value = 0;
    const std::string_view bytes = take(size);
    for (std::size_t i = bytes.size(); i > 0; --i) value = value << 8 | static_cast<std::uint8_t>(bytes[i - 1]);
    return value;
  }
  std::uint8_t u8() { return static_cast<std::uint8_t>(integer(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(integer(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }

  // An integer that says its own size. The two first bytes that stand for no number make ok() false.
  std::uint64_t number() {
    const std::uint8_t first = u8();
    switch (first) {
      case 0xfb:
      case 0xff: (void)take(bytes_.size() + 1); return 0;
      case 0xfc: return integer(2);
      case 0xfd: return integer(3);
      case 0xfe: return integer(8);
      default: return first;
    }
  }
  std::string_view text() { return take(number()); }  // says its length
  std::string_view line() {                           // ends with NUL
    const std::size_t size = bytes_.find('\0');
    if (size == std::string_view::npos) return take(bytes_.size() + 1);
    const std::string_view taken = take(size);
    skip(1);
    return taken;
  }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace subfloor::protocols::mysql
