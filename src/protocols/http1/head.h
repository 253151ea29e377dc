// SPDX-License-Identifier: Apache-2.0
// The head of an HTTP/1.x message: start line and field lines. Pure: text in, views into that text out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "model/call.h"

namespace subfloor::protocols::http1 {

inline constexpr std::size_t method_limit = 32;          // bytes
inline constexpr std::size_t head_limit = 16 * 1024;     // bytes of a head before its framing is given up

enum class Parse : std::uint8_t { incomplete, complete, bad };

struct StartLine {
  bool is_response = false;
  std::string_view method, target;  // of a request
  int status = 0;                   // of a response: 100 to 999
  std::string_view version;         // "1.1"
  std::size_t size = 0;             // bytes of the line, its end included
};

// Parses the first line of `text`; a bare LF ends a line too. `bad` comes as soon as no continuation can be right.
// Where the result is `incomplete` and the method is already certain (a space follows it), line.method is set.
[[nodiscard]] Parse parse_start_line(std::string_view text, StartLine& line);

// Has `text` a character that never stands in a start line?
[[nodiscard]] bool has_control(std::string_view text);

// Where field lines go and how many of them.
struct FieldStore {
  HeaderList& list;
  bool keep_all = true;        // false: only what trace context and service naming need
  std::size_t limit = 4096;    // bytes of field lines; what ends beyond is used for framing and not stored
  bool forwarding = false;     // where not all are kept: also those that name the client behind proxies
};

struct Head {
  StartLine start;
  bool start_complete = false;
  std::optional<std::uint64_t> content_length;
  bool transfer_encoding = false;   // present
  bool chunked = false;             // and its last coding is chunked
  bool bad_framing = false;         // fields that determine the length contradict themselves or cannot be read
  bool fields_cut = false;          // more field bytes than the limit
  bool h2c = false;                 // Upgrade: h2c
  std::size_t size = 0;             // bytes of the whole head, the blank line included
};

// Parses a head at the beginning of `text` into a new Head. `bad` concerns the start line only: a field line that
// cannot be read is left out, as servers do. After `incomplete`, what was certain (start line, finished fields) has
// been stored.
[[nodiscard]] Parse parse_head(std::string_view text, const FieldStore& store, Head& head);

// Finds the blank line that ends a head given in pieces, looking at each byte once.
class HeadEnd {
 public:
  void reset() { *this = HeadEnd{}; }
  // `text` is all of the head so far: what the last call got, and more. Size of the head, or 0 while it goes on.
  [[nodiscard]] std::size_t find(std::string_view text);
  [[nodiscard]] bool first_line_complete() const { return line_start_ > 0; }

 private:
  std::size_t scanned_ = 0, line_start_ = 0;
};

// One of the methods in wide use (RFC 9110, WebDAV): what may start a message where its beginning must be guessed.
[[nodiscard]] bool is_common_method(std::string_view method);
// "PATCH" may be the rest of "PROPPATCH": a method that ends another one does not prove that a message begins there.
[[nodiscard]] bool may_be_the_rest_of_another_method(std::string_view method);
// Could `text` grow into a common method?
[[nodiscard]] bool begins_common_method(std::string_view text);

}  // namespace subfloor::protocols::http1
