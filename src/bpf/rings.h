// SPDX-License-Identifier: Apache-2.0
// The rings from the kernel, by loss class, and their reader. Of data there is a ring for each CPU, or for a few of
// them together where memory is short: writers on different CPUs do not wait for each other, nor for each other's cache
// lines.
#pragma once

#include <bpf/libbpf.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "bpf/abi/record.h"
#include "bpf/mapped_ring.h"

namespace subfloor::bpf {

class Rings {
 public:
  // Sizes in bytes are rounded up to a power of two of at least one page. data_bytes is of all data rings together.
  [[nodiscard]] static Result<Rings> make(std::size_t control_bytes, std::size_t data_bytes);

  // Makes an opened, unloaded object use these rings instead of its own.
  [[nodiscard]] Result<> share_with(bpf_object* object) const;

  [[nodiscard]] int control() const { return control_.get(); }
  [[nodiscard]] int data() const { return data_.get(); }  // the array of the data rings
  [[nodiscard]] std::span<const Fd> data_rings() const { return data_rings_; }
  [[nodiscard]] std::size_t data_ring_bytes() const { return data_bytes_ / data_rings_.size(); }
  [[nodiscard]] std::size_t control_bytes() const { return control_bytes_; }
  [[nodiscard]] std::size_t data_bytes() const { return data_bytes_; }

 private:
  Fd control_, data_;
  std::vector<Fd> data_rings_;
  std::size_t control_bytes_ = 0, data_bytes_ = 0;
};

// Hands over records of all rings in order of time. It is never woken for one record: drain() on a timer, and
// when epoll_fd() turns readable, which happens only above the fill mark.
class RingReader {
 public:
  using Handler = std::function<void(const record_header&, std::span<const std::byte> record)>;

  [[nodiscard]] static Result<std::unique_ptr<RingReader>> make(const Rings& rings, Handler handler);

  // Reads what all rings hold now, and not what comes meanwhile, which might never end; returns how many records that
  // was. Control records that something in a data ring may still precede are kept for the next time.
  std::size_t drain();

  [[nodiscard]] int epoll_fd() const { return epoll_.get(); }
  // Whether the last drain() left something in a data ring: a record still being written, or younger than the drain.
  [[nodiscard]] bool hidden() const;
  // Records whose header did not fit their size: a defect if ever above 0.
  [[nodiscard]] std::uint64_t malformed() const { return malformed_; }

 private:
  RingReader() = default;
  [[nodiscard]] Result<> add(int ring, std::size_t bytes);
  [[nodiscard]] bool well_formed(std::span<const std::byte> record);
  void read_control();
  [[nodiscard]] bool read_data();
  void deliver(std::span<const std::byte> record);
  void deliver_control_until(std::uint64_t time);

  // The next record of a data ring.
  struct Source {
    MappedRing* ring;
    std::span<const std::byte> record;
    std::uint64_t time;
  };
  enum class Found : std::uint8_t { record, none, writing };
  [[nodiscard]] Found next_of(Source& source);

  Fd epoll_;
  std::vector<MappedRing> rings_;  // control first, then data
  std::vector<Source> sources_;
  Handler handler_;
  std::vector<std::byte> control_;  // copied out, so that it can be merged with data by time
  std::size_t control_next_ = 0;
  std::uint64_t last_data_time_ = 0;
  std::uint64_t started_ = 0;  // when this drain began
  std::size_t records_ = 0;
  std::uint64_t malformed_ = 0;
};

}  // namespace subfloor::bpf
