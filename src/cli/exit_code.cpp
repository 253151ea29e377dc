// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_code.h"

#include <linux/capability.h>

#include <cerrno>
#include <cstdio>
#include <fstream>

#include "bpf/capabilities.h"

namespace subfloor::cli {
namespace {

constexpr bpf::CapabilitySet needed{CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE};

// A patch of Debian and others: at 3, CAP_PERFMON is not enough for perf_event_open.
bool perf_asks_for_sys_admin() {
  int level = 0;
  return std::ifstream("/proc/sys/kernel/perf_event_paranoid") >> level && level > 2;
}

}  // namespace

Exit exit_for(const Error& error) {
  switch (error.code) {
    case EPERM:
    case EACCES:
    case ENOSYS:
    case EOPNOTSUPP: return Exit::unsupported;
    default: return Exit::failed;
  }
}

Exit complain(Exit code, const std::string& message) {
  fmt::print(stderr, "subfloor: {}\n", message);
  return code;
}

Exit complain_no_start(const Error& error) {
  const Exit code = complain(exit_for(error), error.message);
  if (code != Exit::unsupported) return code;
  const bpf::Capabilities capabilities = bpf::effective_capabilities();
  const bpf::CapabilitySet missing = capabilities.missing(needed);
  if (!missing.empty()) {
    fmt::print(stderr, "  missing: {}. Run it as root (sudo subfloor …), or give the program these capabilities.\n",
               to_string(missing));
  } else if (error.code == EACCES && !capabilities.effective.has(CAP_SYS_ADMIN) && perf_asks_for_sys_admin()) {
    fmt::print(stderr,
               "  missing: CAP_SYS_ADMIN, which this kernel asks for to attach by perf events while "
               "kernel.perf_event_paranoid is above 2.\n");
  } else if (!capabilities.initial_user_namespace) {
    fmt::print(stderr, "  this is not the host's user namespace: its capabilities do not count for BPF.\n");
  }
  fmt::print(stderr, "  `subfloor doctor` tells what this kernel and these privileges allow.\n");
  return code;
}

}  // namespace subfloor::cli
