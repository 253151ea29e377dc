// SPDX-License-Identifier: Apache-2.0
// Appends one JSON object to a string, member by member, without a tree in between.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace subfloor::json {

// Appends text in quotes. Any bytes will do: ill-formed UTF-8 becomes U+FFFD.
void append_string(std::string& out, std::string_view text);

// An object's braces and commas; made on the string it appends to, and finished with end().
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  void end() { out_ += '}'; }

  void text(std::string_view name, std::string_view value) {
    key(name);
    append_string(out_, value);
  }
  // Leaves the member out where the value is empty.
  void text_if_any(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  // The name is prefix and untrusted text, in whatever case.
  void prefixed_text(std::string_view prefix, std::string_view name, std::string_view value);
  template <std::integral Integer>
  void number(std::string_view name, Integer value) {
    key(name);
    if constexpr (std::is_signed_v<Integer>) {
      append_integer(static_cast<std::int64_t>(value));
    } else {
      append_integer(static_cast<std::uint64_t>(value));
    }
  }
  void number(std::string_view name, double value);
  void boolean(std::string_view name, bool value) {
    key(name);
    out_ += value ? "true" : "false";
  }
  // RFC 3339, UTC, nanoseconds, of a Unix time in ns.
  void time(std::string_view name, Nanoseconds unix_time);
  // Writes the name and leaves the value to the caller. Names are trusted text unless given to untrusted_key.
  void key(std::string_view name);
  void untrusted_key(std::string_view prefix, std::string_view name);  // name in lower case
  [[nodiscard]] std::string& out() { return out_; }

 private:
  void comma() {
    if (!first_) out_ += ',';
    first_ = false;
  }
  void append_integer(std::int64_t value);
  void append_integer(std::uint64_t value);

  std::string& out_;
  bool first_ = true;
};

}  // namespace subfloor::json
