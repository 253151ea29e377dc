// SPDX-License-Identifier: Apache-2.0
#include "bpf/rings.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "base/clock.h"

namespace subfloor::bpf {
namespace {

constexpr int stop_reading = -1;  // from a callback: the record is taken, and no other is read
constexpr int looks = 16;         // at what is just being written, before the reader comes again later

Result<Fd> make_ring(const char* name, std::size_t bytes) {
  Fd ring(bpf_map_create(BPF_MAP_TYPE_RINGBUF, name, 0, 0, static_cast<std::uint32_t>(bytes), nullptr));
  if (!ring) return fail_errno(fmt::format("create {} of {} bytes", name, bytes), errno);
  return ring;
}

std::size_t ring_size(std::size_t bytes) {
  return std::bit_ceil(std::max(bytes, static_cast<std::size_t>(sysconf(_SC_PAGESIZE))));
}

}  // namespace

Result<Rings> Rings::make(std::size_t control_bytes, std::size_t data_bytes) {
  Rings rings;
  rings.control_bytes_ = ring_size(control_bytes);
  rings.data_bytes_ = ring_size(data_bytes);
  TRY_ASSIGN(rings.control_, make_ring("control_ring", rings.control_bytes_));
  TRY_ASSIGN(rings.data_, make_ring("data_ring", rings.data_bytes_));
  return rings;
}

Result<> Rings::share_with(bpf_object* object) const {
  const std::pair<const char*, int> shared[] = {{"control_ring", control()}, {"data_ring", data()}};
  for (const auto& [name, fd] : shared) {
    bpf_map* map = bpf_object__find_map_by_name(object, name);
    if (map == nullptr) continue;
    if (const int error = bpf_map__reuse_fd(map, fd)) return fail_errno(fmt::format("share map {}", name), -error);
  }
  return {};
}

Result<std::unique_ptr<RingReader>> RingReader::make(const Rings& rings, Handler handler) {
  std::unique_ptr<RingReader> reader(new RingReader);
  reader->handler_ = std::move(handler);
  // drain() knows them by their order.
  reader->rings_.reset(ring_buffer__new(rings.control(), on_control, reader.get(), nullptr));
  if (!reader->rings_) return fail_errno("map the control ring", errno);
  if (const int error = ring_buffer__add(reader->rings_.get(), rings.data(), on_data, reader.get()))
    return fail_errno("map the data ring", -error);
  return reader;
}

std::size_t RingReader::drain() {
  records_ = 0;
  control_.erase(control_.begin(), control_.begin() + static_cast<std::ptrdiff_t>(control_next_));
  control_next_ = 0;
  started_ = monotonic_now();
  read_control();
  if (held_.empty() || deliver_data(std::exchange(held_, {}))) ring__consume(ring_buffer__ring(rings_.get(), 1));
  // A record still being written (its writer may be preempted) hides those behind it. What is younger than the last one
  // before it, such as the close of a socket with bytes among them, waits for the next time.
  deliver_control_until(data_hidden() ? last_data_time_ : std::numeric_limits<std::uint64_t>::max());
  return records_;
}

void RingReader::read_control() {
  ring* const control = ring_buffer__ring(rings_.get(), 0);
  for (int look = 0; look < looks; ++look) {
    const Nanoseconds now = monotonic_now();
    ring__consume(control);
    if (ring__avail_data_size(control) > 0) continue;
    control_read_until_ = now;
    return;
  }
}

// False where a control record that is still being written may hide the cause of this one, such as the birth of its
// socket: it waits for the next time, and all behind it.
bool RingReader::deliver_data(std::span<const std::byte> record) {
  const auto& header = *reinterpret_cast<const record_header*>(record.data());
  if (header.time > control_read_until_) read_control();
  if (header.time > control_read_until_) {
    held_.assign(record.begin(), record.end());
    return false;
  }
  deliver_control_until(header.time);
  last_data_time_ = header.time;
  ++records_;
  handler_(header, record);
  return true;
}

bool RingReader::data_hidden() const {
  return !held_.empty() || ring__avail_data_size(ring_buffer__ring(rings_.get(), 1)) > 0;
}

bool RingReader::hidden() const {
  return data_hidden() || ring__avail_data_size(ring_buffer__ring(rings_.get(), 0)) > 0;
}

int RingReader::epoll_fd() const { return ring_buffer__epoll_fd(rings_.get()); }

bool RingReader::well_formed(const record_header& header, std::size_t size) {
  if (size >= sizeof header && header.size >= sizeof header && header.size <= size) return true;
  ++malformed_;
  return false;
}

int RingReader::on_control(void* self, void* data, std::size_t size) {
  auto& reader = *static_cast<RingReader*>(self);
  const auto* bytes = static_cast<const std::byte*>(data);
  if (reader.well_formed(*static_cast<const record_header*>(data), size)) {
    const std::size_t padded = (static_cast<const record_header*>(data)->size + 7U) & ~std::size_t{7};
    const std::size_t at = reader.control_.size();
    reader.control_.resize(at + padded);
    std::memcpy(reader.control_.data() + at, bytes, std::min(padded, size));
  }
  return 0;
}

int RingReader::on_data(void* self, void* data, std::size_t size) {
  auto& reader = *static_cast<RingReader*>(self);
  const auto& header = *static_cast<const record_header*>(data);
  if (reader.well_formed(header, size) && !reader.deliver_data({static_cast<const std::byte*>(data), header.size}))
    return stop_reading;
  return header.time > reader.started_ ? stop_reading : 0;
}

void RingReader::deliver_control_until(std::uint64_t time) {
  while (control_next_ < control_.size()) {
    const std::byte* record = control_.data() + control_next_;
    const auto& header = *reinterpret_cast<const record_header*>(record);
    if (header.time > time) return;
    control_next_ += (header.size + 7U) & ~std::size_t{7};
    ++records_;
    handler_(header, {record, header.size});
  }
}

}  // namespace subfloor::bpf
