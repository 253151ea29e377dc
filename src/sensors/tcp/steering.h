// SPDX-License-Identifier: Apache-2.0
// The table by which user space tells the programs what it wants of each socket: memory shared with the kernel.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "sensors/sensor.h"
#include "sensors/tcp/tcp_abi.h"

namespace subfloor::sensors {

class TcpSteering final : public Steering {
 public:
  // Maps the programs' `steering` map. The map's fd need not stay open.
  [[nodiscard]] static Result<TcpSteering> make(int map);
  TcpSteering(TcpSteering&& other) noexcept;
  TcpSteering& operator=(TcpSteering&&) = delete;
  ~TcpSteering();

  void skip_until(SocketKey key, bool outbound, std::uint32_t position) override;
  void copy(SocketKey key, bool outbound) override;
  void copy_deep(SocketKey key, bool deep) override;
  void copy_at_most(SocketKey key, bool outbound, std::uint16_t bytes) override;
  void off(SocketKey key) override;
  void forget(SocketKey key) override;

  // Sockets whose slot another one took while both were alive: copied in full from then on.
  [[nodiscard]] std::uint64_t displaced() const { return displaced_; }

 private:
  explicit TcpSteering(tcp_steer* table) : table_(table) {}
  tcp_steer& slot_of(SocketKey key);

  tcp_steer* table_;
  std::uint64_t displaced_ = 0;
};

}  // namespace subfloor::sensors
