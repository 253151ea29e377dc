// SPDX-License-Identifier: Apache-2.0
// Programs on perf events: the ways of attaching that are older than links. Closing the event detaches.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace subfloor::bpf::probe {

struct EventTarget {
  std::uint64_t config1 = 0, config2 = 0;
  bool own_process = false;  // else CPU 0, all processes
};

[[nodiscard]] Result<Fd> attach_to_event(int program, std::uint32_t type, std::uint64_t config,
                                         const EventTarget& target);

[[nodiscard]] Result<Fd> attach_kprobe(int program, const char* function);

struct UserFunction {
  std::string path;      // of the file that it is in
  std::uint64_t offset;  // in that file, in bytes
};

// In this process only.
[[nodiscard]] Result<Fd> attach_uprobe(int program, const UserFunction& function);

}  // namespace subfloor::bpf::probe
