// SPDX-License-Identifier: Apache-2.0
// The programs of the tcp sensor: which rung each belongs to, and what of them has to be loaded.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sensors/sensor.h"
#include "sensors/tcp/tcp_abi.h"

namespace subfloor::sensors {

struct TcpProgram {
  enum class Need : std::uint8_t { always, where_its_function_is };

  std::string_view rung;  // "" for those of every rung
  std::string_view name;
  std::uint32_t family;  // in which its missed runs are counted
  Need need = Need::always;
  bool attached = true;  // else it is an iterator
};

// Leaves those in the object to be loaded that the rung and the settings ask for and the kernel has the functions of.
// Gives them in the order of their attachment: those of every rung first, because they make the cookies that the rest
// needs.
[[nodiscard]] Result<std::vector<const TcpProgram*>> choose_programs(bpf_object* object, std::string_view rung,
                                                                     const Settings& settings);

}  // namespace subfloor::sensors
