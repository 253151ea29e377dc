// SPDX-License-Identifier: Apache-2.0
// Programs that may refuse what a process asks for. Those tried here allow everything.
#include <unistd.h>

#include <cerrno>

#include "bpf/probe.h"
#include "bpf/probe_events.h"
#include "bpf/pseudo_fs.h"

namespace subfloor::bpf::probe {
namespace {

#if defined(__x86_64__)
constexpr const char* getpgid_entry = "__x64_sys_getpgid";
#elif defined(__aarch64__)
constexpr const char* getpgid_entry = "__arm64_sys_getpgid";
#else
constexpr const char* getpgid_entry = "sys_getpgid";
#endif

// Attaches a program to the security hook behind getpgid(2), calls that, and sees whether the program ran: where "bpf"
// is not among the active security modules, a program loads and attaches but never runs.
Outcome try_security_hook(Workbench& bench, bpf_prog_type type, bpf_attach_type how, const char* target) {
  const Result<int> counter = bench.counter();
  if (!counter) return outcome(counter);
  Program program;
  program.type = type;
  program.attach_type = how;
  program.target = target;
  program.code = Assembly().count_in(*counter).set(0, 0).exit();
  const Result<Fd> loaded = bench.load(program);
  if (!loaded) return outcome(loaded);
  bench.reset_count();
  const Fd link(bpf_raw_tracepoint_open(nullptr, loaded->get()));
  if (!link) return no(fail_errno("loads, but attach", errno).value().message);
  (void)::getpgid(::getpid());
  if (bench.count() > 0) return yes();
  std::string why = "attached, but the program did not run";
  const Result<PseudoFs> security = open_pseudo_fs("securityfs");
  const Result<std::string> modules = security ? read_file_at(security->root, "lsm") : Failure(security.error());
  if (modules) why += ": active security modules are " + *modules;
  return no(std::move(why));
}

Outcome try_lsm(Workbench& bench) {
  return try_security_hook(bench, BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "bpf_lsm_task_getpgid");
}

Outcome try_fmod_ret(Workbench& bench) {
  return try_security_hook(bench, BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN, "security_task_getpgid");
}

// The kernel asks no more than that the call is in the program. It is never reached: what makes a system call is not
// the idle task, number 0.
Outcome try_override(Workbench& bench) {
  Program program;
  program.type = BPF_PROG_TYPE_KPROBE;
  program.code = Assembly()
                     .copy(6, 1)
                     .call(BPF_FUNC_get_current_pid_tgid)
                     .skip_unless_zero(0, 3)
                     .copy(1, 6)
                     .set(2, 0)
                     .call(BPF_FUNC_override_return)
                     .set(0, 0)
                     .exit();
  const Result<Fd> loaded = bench.load(program);
  if (!loaded) return outcome(loaded);
  return outcome(attach_kprobe(loaded->get(), getpgid_entry));
}

}  // namespace

std::vector<Probe> enforcement_probes() {
  return {
      {"LSM", "enforcement", tracing, "deny: refused before anything happens", try_lsm},
      {"fmod_ret", "enforcement", tracing, "deny, at security hooks", try_fmod_ret},
      {"bpf_override_return", "enforcement", tracing, "deny, at system calls", try_override},
  };
}

}  // namespace subfloor::bpf::probe
