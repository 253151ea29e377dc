// SPDX-License-Identifier: Apache-2.0
// What this kernel can do with these privileges, found by trying each thing once: never by version number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/capabilities.h"

namespace subfloor::bpf {

enum class State : std::uint8_t { no, yes, unknown };

[[nodiscard]] std::string_view to_string(State state);

struct Feature {
  std::string name;     // "tp_btf tcp_sendmsg_locked"
  std::string group;    // "tracing"
  State state = State::unknown;
  std::string why;      // where not yes: what refused it, in words; where yes: a remark, mostly ""
  std::string needs;    // capabilities that trying it takes: "CAP_BPF, CAP_PERFMON", or ""
  std::string used_by;  // what it gives
};

struct ProbeOptions {
  // With these capabilities taken for granted; tests give fewer than the process has.
  Capabilities capabilities = effective_capabilities();
};

// Tries everything, in groups that follow each other. What is loaded, attached or made for it is gone on return:
// programs, links, maps, a cgroup below the v2 mount, a network namespace. Takes about half a second,
// nearly all of it waiting for the kernel to let go of what was detached.
// What could not be tried, or was refused, for want of a capability is `unknown`, and `why` names it.
[[nodiscard]] std::vector<Feature> probe_features(const ProbeOptions& options = {});

}  // namespace subfloor::bpf
