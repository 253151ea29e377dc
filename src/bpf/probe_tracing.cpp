// SPDX-License-Identifier: Apache-2.0
// Programs that observe: loaded, attached for an instant, gone.
#include <linux/perf_event.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fstream>

#include "bpf/probe.h"
#include "bpf/probe_events.h"
#include "bpf/pseudo_fs.h"

namespace subfloor::bpf::probe {
namespace {

Program typed(const std::string& name, bpf_attach_type how, Assembly code = Assembly::returning(0)) {
  Program program;
  program.type = BPF_PROG_TYPE_TRACING;
  program.attach_type = how;
  program.target = how == BPF_TRACE_RAW_TP ? "btf_trace_" + name : how == BPF_TRACE_ITER ? "bpf_iter_" + name : name;
  program.target_kind = how == BPF_TRACE_RAW_TP ? BTF_KIND_TYPEDEF : BTF_KIND_FUNC;
  program.code = std::move(code);
  return program;
}

Outcome load_and_attach(Workbench& bench, const Program& program) {
  const Result<Fd> loaded = bench.load(program);
  if (!loaded) return outcome(loaded);
  if (program.attach_type == BPF_TRACE_ITER) return outcome(make_link(loaded->get(), 0, BPF_TRACE_ITER));
  const Fd link(bpf_raw_tracepoint_open(nullptr, loaded->get()));
  return link ? yes() : no(fail_errno("loads, but attach", errno).value().message);
}

Outcome try_raw_tracepoint(Workbench& bench) {
  Program program;
  program.type = BPF_PROG_TYPE_RAW_TRACEPOINT;
  program.code = Assembly::returning(0);
  const Result<Fd> loaded = bench.load(program);
  if (!loaded) return outcome(loaded);
  const Fd link(bpf_raw_tracepoint_open("sched_process_exit", loaded->get()));
  return link ? yes() : no(fail_errno("loads, but attach", errno).value().message);
}

Outcome try_tracepoint(Workbench& bench, const std::string& event) {
  Program program;
  program.type = BPF_PROG_TYPE_TRACEPOINT;
  program.code = Assembly::returning(0);
  const Result<Fd> loaded = bench.load(program);
  if (!loaded) return outcome(loaded);
  const Result<PseudoFs> tracefs = open_pseudo_fs("tracefs");
  if (!tracefs) return outcome(tracefs);
  const Result<std::string> text = read_file_at(tracefs->root, "events/" + event + "/id");
  if (!text) return outcome(text);
  std::uint64_t id = 0;
  std::from_chars(text->data(), text->data() + text->size(), id);
  return outcome(attach_to_event(loaded->get(), PERF_TYPE_TRACEPOINT, id, {}));
}

Outcome try_kprobe(Workbench& bench, const char* function) {
  Program program;
  program.type = BPF_PROG_TYPE_KPROBE;
  program.code = Assembly::returning(0);
  const Result<Fd> loaded = bench.load(program);
  if (!loaded) return outcome(loaded);
  return outcome(attach_kprobe(loaded->get(), function));
}

Outcome try_kprobe_multi(Workbench& bench) {
  Program program;
  program.type = BPF_PROG_TYPE_KPROBE;
  program.attach_type = BPF_TRACE_KPROBE_MULTI;
  program.code = Assembly::returning(0);
  const Result<Fd> loaded = bench.load(program);
  if (!loaded) return outcome(loaded);
  const char* functions[] = {"tcp_sendmsg", "tcp_recvmsg"};
  LIBBPF_OPTS(bpf_link_create_opts, options);
  options.kprobe_multi.syms = functions;
  options.kprobe_multi.cnt = 2;
  return outcome(make_link(loaded->get(), 0, BPF_TRACE_KPROBE_MULTI, &options));
}

// What uprobes are put on: called by this process only, and only below.
[[gnu::noinline]] void probed_function() { asm volatile("nop"); }

// Where it is in the file that it was loaded from.
Result<UserFunction> find_probed_function() {
  const auto address = reinterpret_cast<std::uintptr_t>(&probed_function);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long from = 0, to = 0, offset = 0;
    int path = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %*s %lx %*s %*s %n", &from, &to, &offset, &path) < 3) continue;
    if (address < from || address >= to || path == 0) continue;
    return UserFunction{line.substr(static_cast<std::size_t>(path)), address - from + offset};
  }
  return fail("cannot find our own code in /proc/self/maps");
}

template <class Attach>
Outcome try_uprobe(Workbench& bench, bpf_attach_type how, Attach attach) {
  const Result<int> counter = bench.counter();
  if (!counter) return outcome(counter);
  Program program;
  program.type = BPF_PROG_TYPE_KPROBE;
  program.attach_type = how;
  program.code = Assembly().count_in(*counter).set(0, 0).exit();
  const Result<Fd> loaded = bench.load(program);
  if (!loaded) return outcome(loaded);
  const Result<UserFunction> function = find_probed_function();
  if (!function) return unknown(function.error().message);
  bench.reset_count();
  const Result<Fd> link = attach(loaded->get(), *function);
  if (!link) return outcome(link);
  probed_function();
  return bench.count() > 0 ? yes() : no("attached, but the program did not run");
}

Outcome try_perf_uprobe(Workbench& bench) { return try_uprobe(bench, static_cast<bpf_attach_type>(0), attach_uprobe); }

Outcome try_uprobe_multi(Workbench& bench) {
  return try_uprobe(bench, BPF_TRACE_UPROBE_MULTI, [](int program, const UserFunction& function) {
    LIBBPF_OPTS(bpf_link_create_opts, options);
    const unsigned long offset = function.offset;
    options.uprobe_multi.path = function.path.c_str();
    options.uprobe_multi.offsets = &offset;
    options.uprobe_multi.cnt = 1;
    options.uprobe_multi.pid = static_cast<std::uint32_t>(::getpid());
    return make_link(program, 0, BPF_TRACE_UPROBE_MULTI, &options);
  });
}

Outcome try_clock_program(Workbench& bench) {
  Program program;
  program.type = BPF_PROG_TYPE_PERF_EVENT;
  program.code = Assembly::returning(0);
  const Result<Fd> loaded = bench.load(program);
  if (!loaded) return outcome(loaded);
  return outcome(attach_to_event(loaded->get(), PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, {}));
}

// bpf_dynptr_from_skb(skb, 0, &dynptr) is a kernel function of 6.4 that tracing programs may call since 6.12 or so.
Outcome try_receive_content(Workbench& bench) {
  const Result<int> function = bench.type_id("bpf_dynptr_from_skb", BTF_KIND_FUNC);
  if (!function) return outcome(function);
  Assembly code;
  code.load64(1, 1, 0).set(2, 0).copy(3, 10).add_to(3, -16).call_kernel(*function).set(0, 0).exit();
  return load_and_attach(bench, typed("skb_copy_datagram_iovec", BPF_TRACE_RAW_TP, code));
}

Outcome try_socket_cookie(Workbench& bench) {
  Assembly code;
  code.load64(1, 1, 0).call(BPF_FUNC_get_socket_cookie).set(0, 0).exit();
  return load_and_attach(bench, typed("tcp_sendmsg_locked", BPF_TRACE_RAW_TP, code));
}

// struct bpf_iter__task_file { meta; task; u32 fd; file }
Outcome try_sockets_of_files(Workbench& bench) {
  Assembly code;
  code.load64(1, 1, 24).skip_if_zero(1, 1).call(BPF_FUNC_sock_from_file).set(0, 0).exit();
  return load_and_attach(bench, typed("task_file", BPF_TRACE_ITER, code));
}

// struct bpf_iter__tcp { meta; sk_common }
Outcome try_socket_destroy(Workbench& bench) {
  const Result<int> function = bench.type_id("bpf_sock_destroy", BTF_KIND_FUNC);
  if (!function) return outcome(function);
  Assembly code;
  code.load64(1, 1, 8).skip_if_zero(1, 1).call_kernel(*function).set(0, 0).exit();
  return load_and_attach(bench, typed("tcp", BPF_TRACE_ITER, code));
}

Outcome load_only(Workbench& bench, Assembly code) {
  return outcome(bench.load(typed("sched_process_exec", BPF_TRACE_RAW_TP, std::move(code))));
}

Outcome try_task_registers(Workbench& bench) {
  return load_only(
      bench, Assembly().call(BPF_FUNC_get_current_task_btf).copy(1, 0).call(BPF_FUNC_task_pt_regs).set(0, 0).exit());
}

// A kernel that permits this says so in its log, with our name: tried only where lockdown is expected to refuse it.
Outcome try_write_user(Workbench& bench) {
  const Result<std::string> mode = lockdown_mode();
  if (!mode) return unknown("not tried: " + mode.error().message);
  if (*mode == "none") return unknown("not tried: without lockdown, the kernel would warn of it in its log");
  return load_only(bench, Assembly()
                              .set(1, 0)
                              .copy(2, 10)
                              .add_to(2, -8)
                              .store32(10, -8, 0)
                              .set(3, 4)
                              .call(BPF_FUNC_probe_write_user)
                              .set(0, 0)
                              .exit());
}

// A callback has to be a function of its own, and the kernel wants the types of both.
Outcome try_loop(Workbench& bench) {
  const std::unique_ptr<btf, decltype(&btf__free)> types(btf__new_empty(), btf__free);
  if (!types) return unknown(fail_errno("describe functions", errno).value().message);
  const int number = btf__add_int(types.get(), "int", 4, BTF_INT_SIGNED);
  const int prototype = btf__add_func_proto(types.get(), number);
  const int main = btf__add_func(types.get(), "subfloor_probe", BTF_FUNC_STATIC, prototype);
  const int callback = btf__add_func(types.get(), "callback", BTF_FUNC_STATIC, prototype);
  if (const int error = btf__load_into_kernel(types.get()))
    return unknown(fail_errno("load types of functions", -error).value().message);
  Program program = typed("sched_process_exec", BPF_TRACE_RAW_TP);
  program.code = Assembly()
                     .set(1, 1)
                     .load_function(2, 6)
                     .set(3, 0)
                     .set(4, 0)
                     .call(BPF_FUNC_loop)
                     .set(0, 0)
                     .exit()
                     .set(0, 0)
                     .exit();
  program.fd_of_function_types = btf__fd(types.get());
  program.functions = {{0, static_cast<std::uint32_t>(main)}, {8, static_cast<std::uint32_t>(callback)}};
  return outcome(bench.load(program));
}

Probe point(const std::string& name, std::string used_by) {
  return {"tp_btf " + name, "tracing", tracing, std::move(used_by),
          [name](Workbench& bench) { return load_and_attach(bench, typed(name, BPF_TRACE_RAW_TP)); }};
}

Probe typed_probe(const std::string& name, bpf_attach_type how, const std::string& target, std::string used_by) {
  return {name, "tracing", tracing, std::move(used_by),
          [how, target](Workbench& bench) { return load_and_attach(bench, typed(target, how)); }};
}

Probe trace(std::string name, std::string used_by, std::function<Outcome(Workbench&)> run) {
  return {std::move(name), "tracing", tracing, std::move(used_by), std::move(run)};
}

Probe helper(std::string name, std::string used_by, std::function<Outcome(Workbench&)> run) {
  return {std::move(name), "helpers", tracing, std::move(used_by), std::move(run)};
}

}  // namespace

std::vector<Probe> tracing_probes() {
  return {
      typed_probe("fentry tcp_sendmsg", BPF_TRACE_FENTRY, "tcp_sendmsg", "tcp: the cheapest way to payload"),
      typed_probe("fexit tcp_recvmsg", BPF_TRACE_FEXIT, "tcp_recvmsg", "tcp: the cheapest way to payload"),
      trace("kprobe tcp_sendmsg", "tcp: payload", [](Workbench& bench) { return try_kprobe(bench, "tcp_sendmsg"); }),
      trace("kprobe.multi", "many kernel functions by one link (5.18)", try_kprobe_multi),
      point("tcp_sendmsg_locked", "tcp: payload sent, without kprobes (6.16)"),
      trace("tp_btf skb_copy_datagram_iovec with bpf_dynptr_from_skb", "tcp: payload received, without kprobes",
            try_receive_content),
      point("sock_send_length", "tcp: what a system call sent"),
      point("sock_recv_length", "tcp: peeked bytes told from received ones"),
      trace("bpf_get_socket_cookie at tcp_sendmsg_locked", "tcp: the key of a connection", try_socket_cookie),
      point("inet_sock_set_state", "tcp: connections opened and closed"),
      point("tcp_retransmit_skb", "tcp: retransmissions"),
      point("sched_process_exec", "process: programs started"),
      point("sched_process_fork", "process: the tree"),
      point("sched_process_exit", "process: ends"),
      point("sched_prepare_exec", "process: an exec stopped before it begins (6.11)"),
      point("sys_exit", "system calls that no purpose hook shows"),
      point("cgroup_mkdir", "containers as they are born"),
      point("io_uring_submit_req", "what is done through io_uring"),
      trace("raw tracepoint", "the same events where there are no kernel types", try_raw_tracepoint),
      trace("tracepoint sched/*", "the classic way to the same",
            [](Workbench& bench) { return try_tracepoint(bench, "sched/sched_process_exit"); }),
      trace("tracepoint syscalls/*", "tcp: payload where nothing better attaches",
            [](Workbench& bench) { return try_tracepoint(bench, "syscalls/sys_enter_sendto"); }),
      trace("iter/task_file with bpf_sock_from_file", "tcp: sockets older than the agent", try_sockets_of_files),
      typed_probe("iter/task", BPF_TRACE_ITER, "task", "process: processes older than the agent"),
      typed_probe("iter/tcp", BPF_TRACE_ITER, "tcp", "tcp: sockets of one network namespace"),
      trace("uprobe", "TLS plaintext where there is no uprobe.multi", try_perf_uprobe),
      trace("uprobe.multi", "TLS plaintext (6.6)", try_uprobe_multi),
      trace("program on the software clock", "CPU profiles", try_clock_program),
      helper("bpf_loop", "paths of any depth, long header lists (5.17)", try_loop),
      helper("bpf_task_pt_regs", "arguments of system calls, stacks (5.15)", try_task_registers),
      helper("bpf_send_signal", "ending a process from the kernel",
             [](Workbench& bench) {
               return load_only(bench, Assembly().set(1, 0).call(BPF_FUNC_send_signal).set(0, 0).exit());
             }),
      helper("bpf_probe_write_user", "nothing that Subfloor depends on", try_write_user),
      helper("bpf_sock_destroy", "ending stale connections (6.5)", try_socket_destroy),
  };
}

}  // namespace subfloor::bpf::probe
