// SPDX-License-Identifier: Apache-2.0
#include "bpf/rings.h"

#include <bpf/bpf.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <string>
#include <utility>

namespace subfloor::bpf {
namespace {

constexpr std::size_t least_share = 1 << 20;  // bytes that make a ring of its own worth while
constexpr std::size_t most_rings = 16;

Result<Fd> make_ring(const char* name, std::size_t bytes) {
  Fd ring(bpf_map_create(BPF_MAP_TYPE_RINGBUF, name, 0, 0, static_cast<std::uint32_t>(bytes), nullptr));
  if (!ring) return fail_errno(fmt::format("create {} of {} bytes", name, bytes), errno);
  return ring;
}

Result<Fd> make_map_of(const std::vector<Fd>& rings) {
  bpf_map_create_opts options{};
  options.sz = sizeof options;
  options.inner_map_fd = static_cast<std::uint32_t>(rings.front().get());
  Fd map(bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "data_rings", sizeof(std::uint32_t), sizeof(std::uint32_t),
                        static_cast<std::uint32_t>(rings.size()), &options));
  if (!map) return fail_errno("create data_rings", errno);
  // At once, since the kernel waits for all programs after each update.
  std::vector<std::uint32_t> places, fds;
  for (const Fd& ring : rings) {
    places.push_back(static_cast<std::uint32_t>(places.size()));
    fds.push_back(static_cast<std::uint32_t>(ring.get()));
  }
  auto count = static_cast<std::uint32_t>(places.size());
  if (bpf_map_update_batch(map.get(), places.data(), fds.data(), &count, nullptr) == 0) return map;
  for (const std::uint32_t i : places) {  // before Linux 5.17
    if (bpf_map_update_elem(map.get(), &i, &fds[i], BPF_ANY) != 0) return fail_errno("fill data_rings", errno);
  }
  return map;
}

std::size_t ring_size(std::size_t bytes) {
  return std::bit_ceil(std::max(bytes, static_cast<std::size_t>(sysconf(_SC_PAGESIZE))));
}

std::size_t rings_for(std::size_t bytes) {
  const auto cpus = static_cast<std::size_t>(std::max(1, libbpf_num_possible_cpus()));
  return std::bit_floor(std::clamp<std::size_t>(bytes / least_share, 1, std::min(cpus, most_rings)));
}

}  // namespace

Result<Rings> Rings::make(std::size_t control_bytes, std::size_t data_bytes) {
  return make(control_bytes, data_bytes, rings_for(data_bytes));
}

Result<Rings> Rings::make(std::size_t control_bytes, std::size_t data_bytes, std::size_t data_rings) {
  Rings rings;
  rings.control_bytes_ = ring_size(control_bytes);
  rings.data_bytes_ = ring_size(data_bytes);
  TRY_ASSIGN(rings.control_, make_ring("control_ring", rings.control_bytes_));
  while (rings.data_.size() < data_rings) {
    TRY_ASSIGN(Fd ring, make_ring("data_ring", rings.data_bytes_ / data_rings));
    rings.data_.push_back(std::move(ring));
  }
  TRY_ASSIGN(rings.all_data_, make_map_of(rings.data_));
  return rings;
}

Result<> Rings::share_with(bpf_object* object) const {
  const std::pair<const char*, int> shared[] = {{"control_ring", control()}, {"data_rings", all_data_.get()}};
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
  if (!reader->epoll_) return fail_errno("watch the rings", errno);
  std::vector<std::pair<int, std::size_t>> maps{{rings.control(), rings.control_bytes()}};
  for (std::size_t i = 0; i < rings.data_rings(); ++i)
    maps.emplace_back(rings.data(i), rings.data_bytes() / rings.data_rings());
  for (const auto& [map, bytes] : maps) {
    TRY_ASSIGN(RingView ring, RingView::make(map, bytes));
    reader->sources_.push_back({std::move(ring)});
    epoll_event readable{.events = EPOLLIN, .data = {}};
    if (epoll_ctl(reader->epoll_.get(), EPOLL_CTL_ADD, map, &readable) != 0) return fail_errno("watch a ring", errno);
  }
  return reader;
}

// What caused a record was written before it. So the causes of all that was written by the time the rings are looked at
// are there too, except where a record that is still being written hides them.
std::size_t RingReader::drain() {
  limit_ = monotonic_now();
  const Nanoseconds begun = limit_;
  for (Source& source : sources_) source.ring.look_ahead();
  for (Source& source : sources_) advance(source);
  std::size_t records = 0;
  for (Source* source = &earliest(); source->next <= limit_; source = &earliest()) {
    const std::span<const std::byte> record = source->ring.record();
    const auto& header = *reinterpret_cast<const record_header*>(record.data());
    source->read_until = std::max(source->read_until, source->next);
    ++records;
    handler_(header, record.first(header.size));
    source->ring.pass();
    advance(*source);
  }
  for (Source& source : sources_) {
    switch (source.ring.head()) {
      case RingView::Head::none: source.read_until = begun; break;
      case RingView::Head::busy: break;
      case RingView::Head::record: source.read_until = std::max(source.read_until, limit_); break;
    }
    source.ring.give_back();
  }
  return records;
}

// To its next record, past those that are none. One that is still being written has no time yet: nothing may be handed
// over that is younger than what came before it.
void RingReader::advance(Source& source) {
  source.next = never;
  while (true) {
    switch (source.ring.head()) {
      case RingView::Head::none: return;
      case RingView::Head::busy: limit_ = std::min(limit_, source.read_until); return;
      case RingView::Head::record: break;
    }
    const std::span<const std::byte> record = source.ring.record();
    const auto* const header = reinterpret_cast<const record_header*>(record.data());
    if (record.size() >= sizeof *header && header->size >= sizeof *header && header->size <= record.size()) {
      source.next = header->time;
      return;
    }
    ++malformed_;
    source.ring.pass();
  }
}

RingReader::Source& RingReader::earliest() {
  return *std::min_element(sources_.begin(), sources_.end(),
                           [](const Source& a, const Source& b) { return a.next < b.next; });
}

bool RingReader::hidden() const {
  return std::any_of(sources_.begin(), sources_.end(), [](const Source& source) { return source.ring.pending(); });
}

}  // namespace subfloor::bpf
