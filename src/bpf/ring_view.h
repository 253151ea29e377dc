// SPDX-License-Identifier: Apache-2.0
// RingView: one ring from the kernel, mapped for its reader, whose next record can be looked at before it is taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace subfloor::bpf {

class RingView {
 public:
  enum class Head : std::uint8_t {
    none,    // all that was there when look_ahead() was called has been passed
    busy,    // a record that is still being written, and hides those behind it
    record,
  };

  // Of a map of type ringbuf, of so many bytes; its descriptor need not stay open.
  [[nodiscard]] static Result<RingView> make(int map, std::size_t bytes);
  RingView(RingView&& other) noexcept;
  RingView& operator=(RingView&&) = delete;
  ~RingView();

  // From now on head() tells of what is there now, and of nothing that comes later.
  void look_ahead();

  // What comes next; discarded records do not.
  [[nodiscard]] Head head();
  // Of Head::record. Good until pass() and give_back().
  [[nodiscard]] std::span<const std::byte> record() const;
  void pass();

  // Lets the kernel write where records were passed.
  void give_back();

  // Whether there is anything that was not passed.
  [[nodiscard]] bool pending() const;

 private:
  RingView() = default;
  [[nodiscard]] std::uint32_t mark() const;  // of the next record: its length and state

  void* reader_ = nullptr;             // page with the reader's position
  void* writer_ = nullptr;             // page with the writers' position, and behind it the ring
  const std::byte* ring_ = nullptr;    // twice, one behind the other
  std::size_t bytes_ = 0;
  unsigned long at_ = 0, end_ = 0;     // positions, as they are counted since the beginning
  unsigned long given_back_ = 0;
};

}  // namespace subfloor::bpf
