// SPDX-License-Identifier: Apache-2.0
// The kernel's side of the agreement is Documentation/bpf/ringbuf.rst: positions only grow, a record begins with 8
// bytes whose first 4 are its length and two flags, and records are aligned to 8.
#include "bpf/ring_view.h"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace subfloor::bpf {
namespace {

constexpr std::size_t worth_giving_back = 64 * 1024;  // bytes; each time costs the writers a cache line

std::size_t page() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

std::size_t room_of(std::uint32_t mark) {
  const std::size_t length = mark & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
  return (length + BPF_RINGBUF_HDR_SZ + 7) & ~std::size_t{7};
}

}  // namespace

Result<RingView> RingView::make(int map, std::size_t bytes) {
  RingView view;
  view.bytes_ = bytes;
  void* const reader = mmap(nullptr, page(), PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
  if (reader == MAP_FAILED) return fail_errno("map the reader's page of a ring", errno);
  view.reader_ = reader;
  void* const writer = mmap(nullptr, page() + 2 * bytes, PROT_READ, MAP_SHARED, map, static_cast<off_t>(page()));
  if (writer == MAP_FAILED) return fail_errno("map a ring", errno);
  view.writer_ = writer;
  view.ring_ = static_cast<const std::byte*>(writer) + page();
  view.at_ = view.end_ = view.given_back_ = *static_cast<const unsigned long*>(reader);
  return view;
}

RingView::RingView(RingView&& other) noexcept
    : reader_(std::exchange(other.reader_, nullptr)),
      writer_(std::exchange(other.writer_, nullptr)),
      ring_(other.ring_),
      bytes_(other.bytes_),
      at_(other.at_),
      end_(other.end_),
      given_back_(other.given_back_) {}

RingView::~RingView() {
  if (reader_ != nullptr) munmap(reader_, page());
  if (writer_ != nullptr) munmap(writer_, page() + 2 * bytes_);
}

void RingView::look_ahead() { end_ = __atomic_load_n(static_cast<const unsigned long*>(writer_), __ATOMIC_ACQUIRE); }

RingView::Head RingView::head() {
  while (at_ < end_) {
    const std::uint32_t state = mark();
    if ((state & BPF_RINGBUF_BUSY_BIT) != 0) return Head::busy;
    if ((state & BPF_RINGBUF_DISCARD_BIT) == 0) return Head::record;
    at_ += room_of(state);
  }
  return Head::none;
}

std::uint32_t RingView::mark() const {
  return __atomic_load_n(reinterpret_cast<const std::uint32_t*>(ring_ + (at_ & (bytes_ - 1))), __ATOMIC_ACQUIRE);
}

std::span<const std::byte> RingView::record() const {
  return {ring_ + (at_ & (bytes_ - 1)) + BPF_RINGBUF_HDR_SZ, mark() & ~BPF_RINGBUF_DISCARD_BIT};
}

void RingView::pass() {
  at_ += room_of(mark());
  if (at_ - given_back_ >= worth_giving_back) give_back();
}

void RingView::give_back() {
  if (at_ == given_back_) return;
  given_back_ = at_;
  __atomic_store_n(static_cast<unsigned long*>(reader_), at_, __ATOMIC_RELEASE);
}

bool RingView::pending() const {
  return at_ < __atomic_load_n(static_cast<const unsigned long*>(writer_), __ATOMIC_ACQUIRE);
}

}  // namespace subfloor::bpf
