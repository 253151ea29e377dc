// SPDX-License-Identifier: Apache-2.0
#include "bpf/mapped_ring.h"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

namespace subfloor::bpf {
namespace {

// The kernel's interface: positions are unsigned long at the beginning of their pages, a record has a header of
// BPF_RINGBUF_HDR_SZ bytes with its length and two flags, and begins at multiples of 8.
std::atomic_ref<std::uint64_t> position_at(std::byte* page) {
  return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(page));
}

constexpr std::uint32_t flags = BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT;

std::uint64_t padded(std::uint32_t length) {
  return (std::uint64_t{length & ~flags} + BPF_RINGBUF_HDR_SZ + 7) & ~std::uint64_t{7};
}

}  // namespace

Result<MappedRing> MappedRing::make(int fd, std::size_t size) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* const consumer = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (consumer == MAP_FAILED) return fail_errno("map a ring's position", errno);
  void* const producer = mmap(nullptr, page + 2 * size, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(page));
  if (producer == MAP_FAILED) {
    const int error = errno;
    munmap(consumer, page);
    return fail_errno("map a ring", error);
  }
  return MappedRing(static_cast<std::byte*>(consumer), static_cast<std::byte*>(producer), size);
}

MappedRing::MappedRing(std::byte* consumer, std::byte* producer, std::size_t size)
    : consumer_(consumer), producer_(producer), size_(size), page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
  read_ = released_ = seen_ = position_at(consumer_).load(std::memory_order_relaxed);
}

MappedRing::MappedRing(MappedRing&& other) noexcept
    : consumer_(std::exchange(other.consumer_, nullptr)),
      producer_(std::exchange(other.producer_, nullptr)),
      size_(other.size_),
      page_(other.page_),
      read_(other.read_),
      released_(other.released_),
      seen_(other.seen_) {}

MappedRing::~MappedRing() {
  if (consumer_ == nullptr) return;
  munmap(consumer_, page_);
  munmap(producer_, page_ + 2 * size_);
}

void MappedRing::look() { seen_ = position_at(producer_).load(std::memory_order_acquire); }

MappedRing::Head MappedRing::head(std::span<const std::byte>& record) {
  while (read_ < seen_) {
    std::byte* const header = producer_ + page_ + (read_ & (size_ - 1));
    const std::uint32_t length =
        std::atomic_ref(*reinterpret_cast<std::uint32_t*>(header)).load(std::memory_order_acquire);
    if (length & BPF_RINGBUF_BUSY_BIT) return Head::writing;
    if (!(length & BPF_RINGBUF_DISCARD_BIT)) {
      record = {header + BPF_RINGBUF_HDR_SZ, length};
      return Head::record;
    }
    read_ += padded(length);
  }
  return Head::none;
}

void MappedRing::pop() {
  read_ += padded(*reinterpret_cast<const std::uint32_t*>(producer_ + page_ + (read_ & (size_ - 1))));
  // The position lies in a cache line that every writer reads.
  if (read_ - released_ >= size_ / 4) release();
}

void MappedRing::release() {
  if (released_ == read_) return;
  position_at(consumer_).store(read_, std::memory_order_release);
  released_ = read_;
}

bool MappedRing::unread() const { return read_ != position_at(producer_).load(std::memory_order_acquire); }

}  // namespace subfloor::bpf
