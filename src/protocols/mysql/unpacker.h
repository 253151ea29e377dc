// SPDX-License-Identifier: Apache-2.0
// The compressed protocol: packets around packets, each with a length, a sequence number and the length of what it
// holds, which zlib has compressed unless it is too short for that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace subfloor::protocols::mysql {

class Unpacker {
 public:
  struct Piece {
    std::string_view bytes = {};  // good until the next call
    std::uint64_t gap = 0;        // bytes behind them whose content is not known
    bool lost = false;            // nor is how many follow
  };

  // Takes bytes off the front, and gives what they hold; an empty piece: all are taken. `unwanted` bytes of what is
  // held need not be unpacked.
  [[nodiscard]] Piece take(std::string_view& bytes, std::uint64_t unwanted);
  // `count` bytes passed whose content nobody has; takes those off that belong to what is under way.
  [[nodiscard]] Piece pass(std::uint64_t& count);
  void reset();
  // What was unpacked is of no use any more: it stays nowhere.
  void wipe();

  [[nodiscard]] bool at_boundary() const { return header_size_ == 0 && remaining_ == 0; }
  // Is there more to be given of what was taken already?
  [[nodiscard]] bool holds_more() const { return remaining_ == 0 && held_ > 0; }
  // Bytes that are still to come in this packet and of whose content nothing is needed.
  [[nodiscard]] std::uint64_t skippable() const { return ignoring_ ? remaining_ : 0; }

 private:
  static constexpr std::size_t header_bytes = 7;
  struct Inflater;
  struct Delete {
    void operator()(Inflater* inflater) const;
  };

  void begin_packet();
  [[nodiscard]] Piece give_up();
  [[nodiscard]] Piece inflate_some(std::string_view& bytes);

  std::array<std::uint8_t, header_bytes> header_{};
  std::size_t header_size_ = 0;
  std::uint32_t remaining_ = 0;  // of the packet under way
  std::uint32_t held_ = 0;       // bytes it still holds, unpacked
  bool packed_ = false;
  bool ignoring_ = false;  // its content was given as a gap
  bool starting_ = false;
  bool dirty_ = false;
  std::unique_ptr<Inflater, Delete> inflater_;
};

}  // namespace subfloor::protocols::mysql
