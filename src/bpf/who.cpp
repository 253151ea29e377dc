// SPDX-License-Identifier: Apache-2.0
#include "bpf/who.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace subfloor::bpf {
namespace {

constexpr ino_t initial_pid_namespace = 0xEFFFFFFC;  // PROC_PID_INIT_INO
constexpr int minor_bits = 20;                       // of the kernel's dev_t

}  // namespace

AgentNamespaces own_namespaces() {
  AgentNamespaces own;
  struct stat status{};
  if (::stat("/proc/self/ns/net", &status) == 0) own.net = static_cast<std::uint32_t>(status.st_ino);
  if (::stat("/proc/self/ns/pid", &status) != 0 || status.st_ino == initial_pid_namespace) return own;
  own.pid = status.st_ino;
  own.pid_device = std::uint64_t{major(status.st_dev)} << minor_bits | minor(status.st_dev);
  return own;
}

}  // namespace subfloor::bpf
