// SPDX-License-Identifier: Apache-2.0
// The rings from the kernel, by loss class, and their reader.
#pragma once

#include <bpf/libbpf.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"
#include "bpf/abi/record.h"
#include "bpf/ring_view.h"

namespace subfloor::bpf {

// One ring for control, and several for data, so that CPUs do not wait for each other: who writes takes the one that
// its CPU's number, modulo their number, names.
class Rings {
 public:
  // The size of the control ring, and of all data rings together, in bytes; rounded up to a power of two of at least
  // one page. There are as many data rings as CPUs where each has a MiB, else fewer, and at most 16: a power of two.
  [[nodiscard]] static Result<Rings> make(std::size_t control_bytes, std::size_t data_bytes);
  [[nodiscard]] static Result<Rings> make(std::size_t control_bytes, std::size_t data_bytes, std::size_t data_rings);

  // Makes an opened, unloaded object use these rings instead of its own.
  [[nodiscard]] Result<> share_with(bpf_object* object) const;
  // Tells its programs what they have to know of them.
  template <class Rodata>
  void describe_to(Rodata& rodata) const {
    rodata.control_wake_bytes = control_bytes_ / wake_fraction;
    rodata.data_wake_bytes = data_bytes_ / data_.size() / wake_fraction;
    rodata.data_ring_mask = static_cast<std::uint32_t>(data_.size() - 1);
  }

  [[nodiscard]] int control() const { return control_.get(); }
  [[nodiscard]] int data(std::size_t i = 0) const { return data_[i].get(); }
  [[nodiscard]] std::size_t data_rings() const { return data_.size(); }
  [[nodiscard]] std::size_t control_bytes() const { return control_bytes_; }
  [[nodiscard]] std::size_t data_bytes() const { return data_bytes_; }  // of all together

 private:
  static constexpr std::size_t wake_fraction = 4;  // of a ring, filled, wakes the reader

  Fd control_, all_data_;  // a map of maps
  std::vector<Fd> data_;
  std::size_t control_bytes_ = 0, data_bytes_ = 0;
};

// Hands over records of all rings in order of time. It is never woken for one record: drain() on a timer, and
// when epoll_fd() turns readable, which happens only above the fill mark.
class RingReader {
 public:
  using Handler = std::function<void(const record_header&, std::span<const std::byte> record)>;

  [[nodiscard]] static Result<std::unique_ptr<RingReader>> make(const Rings& rings, Handler handler);

  // Reads what the rings hold now, and not what comes meanwhile, which might never end; returns how many records that
  // was. What is behind a record that is still being written, and what that may be the cause of, waits for the next
  // time.
  std::size_t drain();

  [[nodiscard]] int epoll_fd() const { return epoll_.get(); }
  // Whether the last drain() left something: a record still being written, what waits for it, or younger than the
  // drain.
  [[nodiscard]] bool hidden() const;
  // Records whose header did not fit their size: a defect if ever above 0.
  [[nodiscard]] std::uint64_t malformed() const { return malformed_; }

 private:
  static constexpr Nanoseconds never = std::numeric_limits<Nanoseconds>::max();

  struct Source {
    RingView ring;
    Nanoseconds next = never;  // time of the record at its head; never: none, or not to be known yet
    Nanoseconds read_until = 0;  // everything that had been written by then has been handed over
  };

  RingReader() = default;
  void advance(Source& source);
  [[nodiscard]] Source& earliest();

  std::vector<Source> sources_;  // control first
  Handler handler_;
  Fd epoll_;
  Nanoseconds limit_ = 0;  // of this drain: nothing younger is handed over
  std::uint64_t malformed_ = 0;
};

}  // namespace subfloor::bpf
