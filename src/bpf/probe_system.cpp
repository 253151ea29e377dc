// SPDX-License-Identifier: Apache-2.0
// The machine around BPF: types, settings, file systems, and what is not BPF at all.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "bpf/probe.h"
#include "bpf/pseudo_fs.h"

namespace subfloor::bpf::probe {
namespace {

Outcome try_types(Workbench& bench) {
  const Result<const btf*> types = bench.types();
  return types ? yes(fmt::format("{} types", btf__type_cnt(*types))) : outcome(types);
}

Outcome try_jit(Workbench& bench) {
  Program program;
  program.type = BPF_PROG_TYPE_SOCKET_FILTER;
  program.code = Assembly::returning(0);
  const Result<Fd> loaded = bench.load(program);
  if (!loaded) return outcome(loaded);
  bpf_prog_info info{};
  std::uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(loaded->get(), &info, &size) != 0)
    return unknown(fail_errno("ask about a loaded program", errno).value().message);
  return info.jited_prog_len > 0 ? yes() : no("a loaded program was not compiled (net.core.bpf_jit_enable)");
}

Result<std::string> read_file(const char* path) { return read_file_at(Fd(), path); }

Outcome try_unprivileged_locked_out() {
  const Result<std::string> value = read_file("/proc/sys/kernel/unprivileged_bpf_disabled");
  if (!value) return unknown(value.error().message);
  if (*value == "0") return no("kernel.unprivileged_bpf_disabled = 0: any user may load BPF programs");
  return yes("kernel.unprivileged_bpf_disabled = " + *value);
}

Outcome try_lockdown() {
  const Result<std::string> mode = lockdown_mode();
  if (!mode) return unknown(mode.error().message);
  if (*mode == "confidentiality") return no("lockdown = confidentiality: programs may not read kernel memory");
  return yes("lockdown = " + *mode);
}

Outcome try_tracefs() {
  const Result<PseudoFs> tracefs = open_pseudo_fs("tracefs");
  if (!tracefs) return no(tracefs.error().message);
  const Result<std::string> id = read_file_at(tracefs->root, "events/sched/sched_process_exec/id");
  if (!id) return no(id.error().message);
  return yes(tracefs->where.empty() ? "not mounted; reached by a mount of our own, seen by nobody else"
                                    : "at " + tracefs->where);
}

Outcome try_cgroup2() {
  const std::vector<std::string> mounts = mount_points("cgroup2");
  const bool v1 = !mount_points("cgroup").empty();
  if (mounts.empty()) return no(v1 ? "only cgroup v1 is mounted" : "no cgroup file system is mounted");
  return yes("at " + mounts.front() + (v1 ? ", hybrid: v1 controllers beside it" : ""));
}

Outcome try_cgroup_ownership(Workbench& bench) { return outcome(bench.cgroup()); }

Outcome try_event(std::uint32_t type, std::uint64_t config) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = type;
  attributes.config = config;
  attributes.disabled = 1;
  const Fd event(static_cast<int>(
      ::syscall(SYS_perf_event_open, &attributes, -1, 0, -1, static_cast<unsigned long>(PERF_FLAG_FD_CLOEXEC))));
  if (!event) return no(fail_errno("perf_event_open", errno).value().message);
  return yes();
}

Outcome try_fanotify() {
  const Fd group(::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_CLOEXEC));
  if (!group) return no(fail_errno("fanotify_init", errno).value().message);
  // A file that nobody else can open.
  const Fd file(::memfd_create("subfloor_probe", MFD_CLOEXEC));
  if (!file) return unknown(fail_errno("make a file to watch", errno).value().message);
  const std::string path = fmt::format("/proc/self/fd/{}", file.get());
  if (::fanotify_mark(group.get(), FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, path.c_str()) != 0)
    return no(fail_errno("fanotify_mark with permission events", errno).value().message);
  return yes();
}

// The filter allows everything, and ends with the thread that it was put on.
Outcome try_seccomp_notification() {
  Outcome result;
  const Result<> ran = in_new_thread([&] {
    sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const sock_fprog program{1, &allow};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
      result = unknown(fail_errno("give up new privileges", errno).value().message);
      return;
    }
    const Fd listener(
        static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program)));
    result = listener ? yes() : no(fail_errno("seccomp", errno).value().message);
  });
  return ran ? result : unknown(ran.error().message);
}

Outcome try_io_uring() {
  io_uring_params parameters{};
  const Fd ring(static_cast<int>(::syscall(SYS_io_uring_setup, 1, &parameters)));
  return ring ? yes() : no(fail_errno("io_uring_setup", errno).value().message);
}

}  // namespace

std::vector<Probe> system_probes() {
  return {
      {"kernel types (BTF)", "system", {}, "programs that fit every kernel; without it nothing is observed", try_types},
      {"JIT", "system", bpf_only, "programs at machine speed", try_jit},
      {"BPF closed to other users",
       "system",
       {},
       "users without privileges cannot load programs",
       [](Workbench&) { return try_unprivileged_locked_out(); }},
      {"kernel lockdown permits reading",
       "system",
       {},
       "programs that read kernel memory: all observing",
       [](Workbench&) { return try_lockdown(); }},
      {"tracefs", "system", {}, "classic tracepoints; the others do without", [](Workbench&) { return try_tracefs(); }},
      {"cgroup v2", "system", {}, "network decisions and workload identity", [](Workbench&) { return try_cgroup2(); }},
      {"new cgroup below it", "system", {}, "policies on a cgroup of their own", try_cgroup_ownership},
      {"software clock",
       "system",
       {CAP_PERFMON},
       "CPU profiles",
       [](Workbench&) { return try_event(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK); }},
      {"hardware cycle counter",
       "system",
       {CAP_PERFMON},
       "CPU profiles by cycles; the software clock serves too",
       [](Workbench&) { return try_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES); }},
      {"fanotify permission events",
       "enforcement",
       {CAP_SYS_ADMIN},
       "denying an open or exec where there is no LSM",
       [](Workbench&) { return try_fanotify(); }},
      {"seccomp user notification",
       "enforcement",
       {},
       "decisions on system calls of containers started with it",
       [](Workbench&) { return try_seccomp_notification(); }},
      {"io_uring",
       "system",
       {},
       "nothing Subfloor needs; applications may use it, and are seen through it",
       [](Workbench&) { return try_io_uring(); }},
  };
}

}  // namespace subfloor::bpf::probe
