// SPDX-License-Identifier: Apache-2.0
// Tells the programs of an object whose activity is the agent's own, and what it can see (bpf/kernel/who.bpf.h).
#pragma once

#include <unistd.h>

#include <cstdint>

namespace subfloor::bpf {

struct AgentNamespaces {
  std::uint64_t pid = 0;         // inode; 0: the host's, from where all processes are seen
  std::uint64_t pid_device = 0;  // as the kernel writes it
  std::uint32_t net = 0;         // inode
};

// Those of this process. Where /proc does not tell, the host's.
[[nodiscard]] AgentNamespaces own_namespaces();

// For the read-only data of a skeleton, before it is loaded.
template <class Rodata>
void tell_who_is_the_agent(Rodata& rodata) {
  const AgentNamespaces own = own_namespaces();
  rodata.agent_tgid = static_cast<std::uint32_t>(getpid());
  rodata.agent_pid_namespace = own.pid;
  rodata.agent_pid_device = own.pid_device;
  rodata.agent_net_namespace = own.net;
}

}  // namespace subfloor::bpf
