// SPDX-License-Identifier: Apache-2.0
// The two rings from the kernel, by loss class, and their reader.
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

namespace subfloor::bpf {

class Rings {
 public:
  // Sizes in bytes are rounded up to a power of two of at least one page.
  [[nodiscard]] static Result<Rings> make(std::size_t control_bytes, std::size_t data_bytes);

  // Makes an opened, unloaded object use these rings instead of its own.
  [[nodiscard]] Result<> share_with(bpf_object* object) const;

  [[nodiscard]] int control() const { return control_.get(); }
  [[nodiscard]] int data() const { return data_.get(); }
  [[nodiscard]] std::size_t control_bytes() const { return control_bytes_; }
  [[nodiscard]] std::size_t data_bytes() const { return data_bytes_; }

 private:
  Fd control_, data_;
  std::size_t control_bytes_ = 0, data_bytes_ = 0;
};

// Hands over records of both rings in order of time. It is never woken for one record: drain() on a timer, and
// when epoll_fd() turns readable, which happens only above the fill mark.
class RingReader {
 public:
  using Handler = std::function<void(const record_header&, std::span<const std::byte> record)>;

  [[nodiscard]] static Result<std::unique_ptr<RingReader>> make(const Rings& rings, Handler handler);

  // Reads what both rings hold now, and not what comes meanwhile, which might never end; returns how many records that
  // was. Control records that something in the data ring may still precede are kept for the next time, as are data
  // records while a control record is being written, which may precede them.
  std::size_t drain();

  [[nodiscard]] int epoll_fd() const;
  // Whether the last drain() left something: a record still being written, what is behind it, or younger than the
  // drain.
  [[nodiscard]] bool hidden() const;
  // Records whose header did not fit their size: a defect if ever above 0.
  [[nodiscard]] std::uint64_t malformed() const { return malformed_; }

 private:
  RingReader() = default;
  static int on_control(void* self, void* data, std::size_t size);
  static int on_data(void* self, void* data, std::size_t size);
  [[nodiscard]] bool well_formed(const record_header& header, std::size_t size);
  void read_control();
  void deliver_control_until(std::uint64_t time);
  [[nodiscard]] bool deliver_data(std::span<const std::byte> record);
  [[nodiscard]] bool data_hidden() const;

  struct Free {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
  };
  std::unique_ptr<ring_buffer, Free> rings_;
  Handler handler_;
  std::vector<std::byte> control_;  // copied out, so that both rings can be merged by time
  std::size_t control_next_ = 0;
  std::vector<std::byte> held_;  // a data record that has left its ring and has to wait; empty: none
  std::uint64_t control_read_until_ = 0;  // every control record that was there then has been read
  std::uint64_t last_data_time_ = 0;
  std::uint64_t started_ = 0;  // when this drain began
  std::size_t records_ = 0;
  std::uint64_t malformed_ = 0;
};

}  // namespace subfloor::bpf
