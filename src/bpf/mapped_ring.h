// SPDX-License-Identifier: Apache-2.0
// A ring buffer of the kernel's (BPF_MAP_TYPE_RINGBUF), read record by record: what libbpf's callbacks do not allow,
// the next records of several rings can be compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace subfloor::bpf {

class MappedRing {
 public:
  enum class Head : std::uint8_t {
    none,     // nothing more of what look() found
    record,
    writing,  // a program is still writing it
  };

  // fd: the map; it may be closed after. size: its max_entries.
  [[nodiscard]] static Result<MappedRing> make(int fd, std::size_t size);

  MappedRing(MappedRing&& other) noexcept;
  MappedRing& operator=(MappedRing&&) = delete;
  ~MappedRing();

  // From here on there is what the ring holds now, and not what comes meanwhile.
  void look();

  // What comes next. Its bytes are good until release().
  [[nodiscard]] Head head(std::span<const std::byte>& record);
  void pop();

  // Gives the room of all records that were popped back to the kernel.
  void release();

  // Whether the ring holds anything that was not popped.
  [[nodiscard]] bool unread() const;

 private:
  MappedRing(std::byte* consumer, std::byte* producer, std::size_t size);

  std::byte* consumer_;  // a page with the position up to which all was read
  std::byte* producer_;  // a page with the position up to which all was reserved; behind it the ring, twice
  std::size_t size_, page_;
  std::uint64_t read_ = 0, released_ = 0, seen_ = 0;  // positions
};

}  // namespace subfloor::bpf
