// SPDX-License-Identifier: Apache-2.0
#include "bpf/capabilities.h"

#include <sys/stat.h>

#include <charconv>
#include <fstream>

namespace subfloor::bpf {

CapabilitySet Capabilities::missing(CapabilitySet needed) const {
  if (!initial_user_namespace) return needed;
  CapabilitySet have = effective;
  if (have.has(CAP_SYS_ADMIN)) have.bits |= CapabilitySet{CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN}.bits;
  CapabilitySet rest;
  rest.bits = needed.bits & ~have.bits;
  return rest;
}

Capabilities effective_capabilities() {
  // The initial user namespace has had this inode number since 3.8 (PROC_USER_INIT_INO).
  constexpr ino_t initial_user_namespace = 0xEFFFFFFD;
  Capabilities capabilities;
  std::ifstream status("/proc/thread-self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("CapEff:\t")) continue;
    std::from_chars(line.data() + 8, line.data() + line.size(), capabilities.effective.bits, 16);
  }
  struct stat about{};
  capabilities.initial_user_namespace =
      ::stat("/proc/self/ns/user", &about) != 0 || about.st_ino == initial_user_namespace;
  return capabilities;
}

const std::vector<KnownCapability>& known_capabilities() {
  static const std::vector<KnownCapability> all = {
      {CAP_BPF, "CAP_BPF", "load programs, create maps: without it nothing works"},
      {CAP_PERFMON, "CAP_PERFMON", "programs that read kernel memory: all observing"},
      {CAP_NET_ADMIN, "CAP_NET_ADMIN", "cgroup, socket and packet programs"},
      {CAP_SYS_PTRACE, "CAP_SYS_PTRACE",
       "executables and memory maps of other users' processes: language, TLS libraries"},
      {CAP_SYS_ADMIN, "CAP_SYS_ADMIN",
       "fanotify; uprobes where there is no uprobe.multi; tracefs where it is not mounted"},
      {CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", "tracefs and others' /proc files when not running as root"},
      {CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE", "locked memory above its limit; needed before 5.11 only"},
      {CAP_KILL, "CAP_KILL", "ending processes of other users"},
  };
  return all;
}

std::string to_string(CapabilitySet set) {
  std::string text;
  for (const KnownCapability& known : known_capabilities()) {
    if (!set.has(known.number)) continue;
    if (!text.empty()) text += ", ";
    text += known.name;
  }
  return text;
}

}  // namespace subfloor::bpf
