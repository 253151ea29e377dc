// SPDX-License-Identifier: Apache-2.0
#include "sensors/tcp/steering.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <utility>

namespace subfloor::sensors {
namespace {

constexpr std::size_t table_bytes = sizeof(tcp_steer) * TCP_STEER_SLOTS;

// The programs look at any moment: what a mode refers to is written before the mode, and a slot has no key while it
// changes hands.
template <class T>
void publish(T& field, T value) {
  std::atomic_ref(field).store(value, std::memory_order_release);
}

}  // namespace

Result<TcpSteering> TcpSteering::make(int map) {
  void* table = mmap(nullptr, table_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
  if (table == MAP_FAILED) return fail_errno("map the steering table", errno);
  return TcpSteering(static_cast<tcp_steer*>(table));
}

TcpSteering::TcpSteering(TcpSteering&& other) noexcept
    : table_(std::exchange(other.table_, nullptr)), displaced_(other.displaced_) {}

TcpSteering::~TcpSteering() {
  if (table_ != nullptr) munmap(table_, table_bytes);
}

tcp_steer& TcpSteering::slot_of(SocketKey key) {
  tcp_steer& slot = table_[key % TCP_STEER_SLOTS];
  if (slot.key == key) return slot;
  if (slot.key != 0) ++displaced_;
  publish(slot.key, __u64{0});
  slot.mode[TCP_DIRECTION_IN] = slot.mode[TCP_DIRECTION_OUT] = TCP_STEER_COPY;
  slot.limit[TCP_DIRECTION_IN] = slot.limit[TCP_DIRECTION_OUT] = 0;
  slot.depth = TCP_DEPTH_UNKNOWN;
  publish(slot.key, __u64{key});
  return slot;
}

void TcpSteering::skip_until(SocketKey key, bool outbound, std::uint32_t position) {
  tcp_steer& slot = slot_of(key);
  publish(slot.until[outbound ? 1 : 0], position);
  publish(slot.mode[outbound ? 1 : 0], __u8{TCP_STEER_SKIP});
}

void TcpSteering::copy(SocketKey key, bool outbound) { copy_at_most(key, outbound, 0); }

void TcpSteering::copy_deep(SocketKey key, bool deep) {
  publish(slot_of(key).depth, static_cast<__u8>(deep ? TCP_DEPTH_ALL : TCP_DEPTH_BEGINNINGS));
}

void TcpSteering::copy_at_most(SocketKey key, bool outbound, std::uint16_t bytes) {
  tcp_steer& slot = slot_of(key);
  publish(slot.limit[outbound ? 1 : 0], __u16{bytes});
  publish(slot.mode[outbound ? 1 : 0], __u8{TCP_STEER_COPY});
}

void TcpSteering::off(SocketKey key) {
  tcp_steer& slot = slot_of(key);
  publish(slot.mode[TCP_DIRECTION_IN], __u8{TCP_STEER_OFF});
  publish(slot.mode[TCP_DIRECTION_OUT], __u8{TCP_STEER_OFF});
}

void TcpSteering::forget(SocketKey key) {
  tcp_steer& slot = table_[key % TCP_STEER_SLOTS];
  if (slot.key != key) return;
  publish(slot.key, __u64{0});
  publish(slot.depth, __u8{TCP_DEPTH_UNKNOWN});
  for (const int direction : {TCP_DIRECTION_IN, TCP_DIRECTION_OUT}) {  // a socket without a key yet finds it by its 0
    publish(slot.mode[direction], __u8{TCP_STEER_COPY});
    publish(slot.limit[direction], __u16{0});
  }
}

}  // namespace subfloor::sensors
