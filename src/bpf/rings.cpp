// SPDX-License-Identifier: Apache-2.0
#include "bpf/rings.h"

#include <bpf/bpf.h>
#include <sys/epoll.h>
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

constexpr std::size_t least_data_ring = std::size_t{1} << 20;  // smaller ones are not worth having for themselves

Result<Fd> make_ring(const char* name, std::size_t bytes) {
  Fd ring(bpf_map_create(BPF_MAP_TYPE_RINGBUF, name, 0, 0, static_cast<std::uint32_t>(bytes), nullptr));
  if (!ring) return fail_errno(fmt::format("create {} of {} bytes", name, bytes), errno);
  return ring;
}

std::size_t ring_size(std::size_t bytes) {
  return std::bit_ceil(std::max(bytes, static_cast<std::size_t>(sysconf(_SC_PAGESIZE))));
}

std::size_t cpu_count() { return static_cast<std::size_t>(std::max(libbpf_num_possible_cpus(), 1)); }

std::size_t ring_count(std::size_t bytes) {
  return std::clamp<std::size_t>(bytes / least_data_ring, 1, std::bit_ceil(cpu_count()));
}

// The ring that each CPU writes into.
Result<Fd> make_array(std::span<const Fd> rings) {
  bpf_map_create_opts options{};
  options.sz = sizeof options;
  options.inner_map_fd = static_cast<std::uint32_t>(rings.front().get());
  const auto cpus = static_cast<std::uint32_t>(cpu_count());
  constexpr std::uint32_t entry = sizeof(std::uint32_t);
  Fd array(bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "data_rings", entry, entry, cpus, &options));
  if (!array) return fail_errno("create the array of data rings", errno);
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
    const int ring = rings[cpu % rings.size()].get();
    if (bpf_map_update_elem(array.get(), &cpu, &ring, BPF_ANY) != 0)
      return fail_errno("fill the array of data rings", errno);
  }
  return array;
}

}  // namespace

Result<Rings> Rings::make(std::size_t control_bytes, std::size_t data_bytes) {
  Rings rings;
  rings.control_bytes_ = ring_size(control_bytes);
  rings.data_bytes_ = ring_size(data_bytes);
  TRY_ASSIGN(rings.control_, make_ring("control_ring", rings.control_bytes_));
  const std::size_t count = ring_count(rings.data_bytes_);
  for (std::size_t i = 0; i < count; ++i) {
    TRY_ASSIGN(Fd ring, make_ring("data_ring", rings.data_bytes_ / count));
    rings.data_rings_.push_back(std::move(ring));
  }
  TRY_ASSIGN(rings.data_, make_array(rings.data_rings_));
  return rings;
}

Result<> Rings::share_with(bpf_object* object) const {
  const std::pair<const char*, int> shared[] = {{"control_ring", control()}, {"data_rings", data()}};
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
  reader->epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  if (!reader->epoll_) return fail_errno("epoll_create1", errno);
  TRY(reader->add(rings.control(), rings.control_bytes()));
  for (const Fd& ring : rings.data_rings()) TRY(reader->add(ring.get(), rings.data_ring_bytes()));
  return reader;
}

Result<> RingReader::add(int ring, std::size_t bytes) {
  TRY_ASSIGN(MappedRing mapped, MappedRing::make(ring, bytes));
  rings_.push_back(std::move(mapped));
  epoll_event event{};
  event.events = EPOLLIN;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, ring, &event) != 0) return fail_errno("watch a ring", errno);
  return {};
}

std::size_t RingReader::drain() {
  records_ = 0;
  control_.erase(control_.begin(), control_.begin() + static_cast<std::ptrdiff_t>(control_next_));
  control_next_ = 0;
  // Taken first: what one thread wrote before this time, on whatever CPU, is there to be seen when the rings are looked
  // at one after the other.
  started_ = monotonic_now();
  read_control();
  const bool whole = read_data();
  // A record still being written (its writer may be preempted) hides those behind it. What is younger than the last one
  // before it, such as the close of a socket with bytes among them, waits for the next time.
  deliver_control_until(whole ? started_ : last_data_time_);
  return records_;
}

void RingReader::read_control() {
  MappedRing& ring = rings_.front();
  ring.look();
  std::span<const std::byte> record;
  for (; ring.head(record) == MappedRing::Head::record; ring.pop()) {
    if (!well_formed(record)) continue;
    const auto size = reinterpret_cast<const record_header*>(record.data())->size;
    const std::size_t at = control_.size();
    control_.resize(at + ((size + 7U) & ~std::size_t{7}));
    std::memcpy(control_.data() + at, record.data(), size);
  }
  ring.release();
}

// The oldest of the next records of all rings, one after the other; false where one is still being written, and what is
// younger than it cannot be told.
bool RingReader::read_data() {
  sources_.clear();
  bool whole = true;
  for (std::size_t i = 1; i < rings_.size(); ++i) {
    rings_[i].look();
    Source source{&rings_[i], {}, 0};
    const Found found = next_of(source);
    if (found == Found::record) sources_.push_back(source);
    whole &= found != Found::writing;
  }
  while (whole && !sources_.empty()) {
    const auto oldest = std::min_element(sources_.begin(), sources_.end(),
                                         [](const Source& a, const Source& b) { return a.time < b.time; });
    deliver(oldest->record);
    oldest->ring->pop();
    const Found found = next_of(*oldest);
    if (found == Found::record) continue;
    whole = found != Found::writing;
    *oldest = sources_.back();
    sources_.pop_back();
  }
  for (MappedRing& ring : rings_) ring.release();
  return whole;
}

// None where it is younger than this drain: it stays.
RingReader::Found RingReader::next_of(Source& source) {
  while (true) {
    const MappedRing::Head head = source.ring->head(source.record);
    if (head != MappedRing::Head::record) return head == MappedRing::Head::writing ? Found::writing : Found::none;
    if (well_formed(source.record)) break;
    source.ring->pop();
  }
  source.time = reinterpret_cast<const record_header*>(source.record.data())->time;
  return source.time > started_ ? Found::none : Found::record;
}

void RingReader::deliver(std::span<const std::byte> record) {
  const auto& header = *reinterpret_cast<const record_header*>(record.data());
  deliver_control_until(header.time);
  last_data_time_ = header.time;
  ++records_;
  handler_(header, record.first(header.size));
}

bool RingReader::hidden() const {
  return std::any_of(rings_.begin() + 1, rings_.end(), [](const MappedRing& ring) { return ring.unread(); });
}

bool RingReader::well_formed(std::span<const std::byte> record) {
  const auto& header = *reinterpret_cast<const record_header*>(record.data());
  if (record.size() >= sizeof header && header.size >= sizeof header && header.size <= record.size()) return true;
  ++malformed_;
  return false;
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
