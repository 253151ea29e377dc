// SPDX-License-Identifier: Apache-2.0
// ByteReader: takes fixed-size values and slices off a byte range, never past its end.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace subfloor {

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::size_t remaining() const { return bytes_.size(); }

  // Copies the next sizeof(T) bytes into value; false, and nothing taken, where fewer remain.
  template <class T>
    requires std::is_trivially_copyable_v<T>
  [[nodiscard]] bool read(T& value) {
    if (bytes_.size() < sizeof(T)) return false;
    std::memcpy(&value, bytes_.data(), sizeof(T));
    bytes_ = bytes_.subspan(sizeof(T));
    return true;
  }

  // The next n bytes as text, without copying; false where fewer remain.
  [[nodiscard]] bool read_text(std::size_t n, std::string_view& text) {
    if (bytes_.size() < n) return false;
    text = {reinterpret_cast<const char*>(bytes_.data()), n};
    bytes_ = bytes_.subspan(n);
    return true;
  }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace subfloor
