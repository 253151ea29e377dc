// SPDX-License-Identifier: Apache-2.0
// What the agent gives up once it is attached: docs/service.md has the table of what stays and why.
#pragma once

#include <array>
#include <functional>

#include "base/result.h"
#include "bpf/capabilities.h"

namespace subfloor::agent {

// Kept where the process has them. The programs and maps are held by file descriptors, and need no capability.
inline constexpr bpf::CapabilitySet kept_capabilities{
    CAP_SYS_PTRACE,       // executables and memory maps of other users' processes in /proc
    CAP_DAC_READ_SEARCH,  // executables that only their owner may read
};

// Gives up every other capability of the permitted, effective, inheritable, ambient and, where CAP_SETPCAP allows it,
// bounding set, for good: no program that is executed later gains any either. Before 5.19 the kernel asks for CAP_BPF
// at every bpf() call: where `bpf_works` says so, that one stays. Returns what was kept.
// Each thread has capabilities of its own: to be called while there is but one; those made later inherit.
// What attaching to a library later takes, of these, where anything: `attach_works` finds out how many are enough.
inline constexpr std::array attaching_capabilities{
    CAP_PERFMON,    // perf events for uprobes; uprobe.multi needs nothing
    CAP_SYS_ADMIN,  // the same, on many kernels
};
[[nodiscard]] Result<bpf::CapabilitySet> drop_privileges(const std::function<bool()>& bpf_works,
                                                         const std::function<bool()>& attach_works);

}  // namespace subfloor::agent
