// SPDX-License-Identifier: Apache-2.0
#include "agent/privileges.h"

#include <sys/capability.h>
#include <sys/prctl.h>

#include <cerrno>
#include <filesystem>
#include <memory>

#include "base/log.h"

namespace subfloor::agent {
namespace {

struct Free {
  void operator()(cap_t capabilities) const { cap_free(capabilities); }
};
using Capabilities = std::unique_ptr<std::remove_pointer_t<cap_t>, Free>;

Result<bpf::CapabilitySet> permitted() {
  const Capabilities own(cap_get_proc());
  if (!own) return fail_errno("read the own capabilities", errno);
  bpf::CapabilitySet set;
  for (int number = 0; number < cap_max_bits(); ++number) {
    cap_flag_value_t value = CAP_CLEAR;
    if (cap_get_flag(own.get(), number, CAP_PERMITTED, &value) == 0 && value == CAP_SET)
      set.bits |= std::uint64_t{1} << number;
  }
  return set;
}

Result<> set_capabilities(bpf::CapabilitySet keep_permitted, bpf::CapabilitySet keep_effective) {
  const Capabilities wanted(cap_init());
  if (!wanted) return fail_errno("cap_init", errno);
  for (cap_value_t number = 0; number < cap_max_bits(); ++number) {
    if (keep_permitted.has(number)) cap_set_flag(wanted.get(), CAP_PERMITTED, 1, &number, CAP_SET);
    if (keep_effective.has(number)) cap_set_flag(wanted.get(), CAP_EFFECTIVE, 1, &number, CAP_SET);
  }
  if (cap_set_proc(wanted.get()) != 0) return fail_errno("give up capabilities", errno);
  return {};
}

// CAP_SETPCAP itself is what it takes, so that this comes before the others go.
void drop_bounding(bpf::CapabilitySet keep) {
  for (cap_value_t number = 0; number < cap_max_bits(); ++number) {
    if (!keep.has(number) && cap_get_bound(number) == CAP_SET) cap_drop_bound(number);
  }
}

void warn_of_other_threads() {
  std::error_code error;
  const auto threads = std::distance(std::filesystem::directory_iterator("/proc/self/task", error), {});
  if (threads > 1) LOG_WARN("{} threads are older than this, and keep every capability", threads - 1);
}

}  // namespace

Result<bpf::CapabilitySet> drop_privileges(const std::function<bool()>& bpf_works,
                                           const std::function<bool()>& attach_works) {
  warn_of_other_threads();
  TRY_ASSIGN(const bpf::CapabilitySet have, permitted());
  bpf::CapabilitySet keep = have & kept_capabilities;
  TRY(set_capabilities(have, keep));
  // CAP_SYS_ADMIN stands for it where it is alone.
  if (!bpf_works())
    keep = keep | (have & (have.has(CAP_BPF) ? bpf::CapabilitySet{CAP_BPF} : bpf::CapabilitySet{CAP_SYS_ADMIN}));
  for (const int capability : attaching_capabilities) {
    TRY(set_capabilities(have, keep));
    if (attach_works()) break;
    keep = keep | (have & bpf::CapabilitySet{capability});
  }
  if (have.has(CAP_SETPCAP)) {
    TRY(set_capabilities(have, have));
    drop_bounding(keep);
  }
  cap_reset_ambient();
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("no_new_privs", errno);
  TRY(set_capabilities(keep, keep));
  return keep;
}

}  // namespace subfloor::agent
