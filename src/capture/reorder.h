// SPDX-License-Identifier: Apache-2.0
// ReorderBuffer: what one side of a TCP connection sent, put in order. The first captured copy of a byte counts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "capture/slice.h"

namespace subfloor::capture {

class ReorderBuffer {
 public:
  // All or a part of a segment.
  struct Piece {
    std::uint32_t position = 0;  // sequence number of the first byte
    Nanoseconds time = 0;
    Slice content;
  };
  enum class Verdict : std::uint8_t {
    next,         // give the piece, less what was seen before, and pass() it; then what pop() has
    held,         // it is kept, at least in part: pop() gives what of it is next
    seen_before,  // nothing in it is new
  };

  // The next byte has this sequence number. Nothing else may be asked before.
  void begin_at(std::uint32_t position);
  [[nodiscard]] bool known() const { return next_ != 0; }
  [[nodiscard]] std::uint32_t next() const { return static_cast<std::uint32_t>(next_); }
  // How far a sequence number is ahead of next(): negative where it lies behind.
  [[nodiscard]] std::int64_t ahead(std::uint32_t position) const {
    return static_cast<std::int32_t>(position - next());
  }

  // piece.content.length > 0; more than 2 GiB away means the other way around.
  [[nodiscard]] Verdict offer(Piece& piece);
  // Holds the piece, which begins at next().
  void keep(const Piece& piece) { (void)hold(next_, piece); }
  void pass(std::uint64_t length) { next_ += length; }
  // The held piece that is next; valid until the next call.
  [[nodiscard]] std::optional<Piece> pop();
  // How many bytes are missing before the first that is held; nothing where none is.
  [[nodiscard]] std::optional<std::uint64_t> missing() const;

  [[nodiscard]] std::size_t bytes_held() const { return bytes_; }

 private:
  struct Held {
    Nanoseconds time = 0;
    std::uint64_t length = 0;
    std::string bytes;
  };
  bool hold(std::uint64_t begin, const Piece& piece);
  void insert(std::uint64_t begin, Nanoseconds time, Slice content);
  [[nodiscard]] static std::size_t cost(const Held& held) { return held.bytes.size() + sizeof(Held) + 64; }

  std::uint64_t next_ = 0;  // its low 32 bits are the sequence number; 0: not known
  std::map<std::uint64_t, Held> held_;  // by position, as next_; they do not overlap
  Held popped_;
  std::size_t bytes_ = 0;
};

}  // namespace subfloor::capture
