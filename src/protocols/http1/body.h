// SPDX-License-Identifier: Apache-2.0
// Where the body of an HTTP/1.x message ends (RFC 9112, section 6): bytes and gaps in, progress out. Keeps no content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/http1/head.h"

namespace subfloor::protocols::http1 {

enum class BodyKind : std::uint8_t { none, length, chunked, until_close };

struct Framing {
  BodyKind kind = BodyKind::none;
  std::uint64_t length = 0;  // where kind is length
  bool valid = true;
};

[[nodiscard]] Framing request_framing(const Head& head);
// The answer to HEAD has no body, nor has a successful answer to CONNECT; "" where the request is not known.
[[nodiscard]] Framing response_framing(const Head& head, std::string_view request_method);

class Body {
 public:
  enum class Progress : std::uint8_t {
    going,
    done,  // what is left of the input belongs to the next message
    bad,   // not as RFC 9112 has it
    lost,  // framing passed uncopied: where the body ends cannot be told any more
  };

  // `done` at once where there is nothing to come.
  [[nodiscard]] Progress start(const Framing& framing);
  // Takes from the front of `bytes` what belongs to the body.
  [[nodiscard]] Progress take(std::string_view& bytes);
  // Likewise for bytes that passed without content.
  [[nodiscard]] Progress pass(std::uint64_t& count);

  [[nodiscard]] BodyKind kind() const { return kind_; }
  // Body bytes so far, chunk framing and trailers not counted.
  [[nodiscard]] std::uint64_t received() const { return received_; }
  // How many of the next bytes are certain to be mere content.
  [[nodiscard]] std::uint64_t skippable() const;

 private:
  enum class Chunk : std::uint8_t { size, extension, data, data_cr, data_lf, trailer_start, trailer, last_lf };

  [[nodiscard]] Progress take_chunked(std::string_view& bytes);
  [[nodiscard]] Progress take_framing_char(char c);
  [[nodiscard]] Progress take_size_char(char c);
  [[nodiscard]] Progress end_size_line();
  std::uint64_t take_data(std::uint64_t available);

  BodyKind kind_ = BodyKind::none;
  Chunk chunk_ = Chunk::size;
  std::uint8_t digits_ = 0;
  std::uint32_t overhead_ = 0;    // bytes of the present chunk header or of the trailers
  std::uint64_t remaining_ = 0;   // of the length, or of the chunk
  std::uint64_t received_ = 0;
};

}  // namespace subfloor::protocols::http1
