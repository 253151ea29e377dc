// SPDX-License-Identifier: Apache-2.0
// Programs that route, allow and drop. Each is attached where nothing can pass it: a cgroup with no process in it, a
// map without sockets, a network namespace of its own. All of them allow.
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "bpf/probe.h"

namespace subfloor::bpf::probe {
namespace {

constexpr int loopback = 1;  // its interface number in every network namespace
constexpr int allow = 1;     // of cgroup programs, SK_PASS, NF_ACCEPT
constexpr int next_program = -1;  // TC_ACT_UNSPEC, TCX_NEXT

Program program_of(bpf_prog_type type, bpf_attach_type how, int verdict = allow) {
  Program program;
  program.type = type;
  program.attach_type = how;
  program.code = Assembly::returning(verdict);
  return program;
}

Probe cgroup_program(std::string name, bpf_prog_type type, bpf_attach_type how, std::string used_by) {
  return {std::move(name), "cgroup", networking, std::move(used_by), [type, how](Workbench& bench) {
            const Result<Fd> loaded = bench.load(program_of(type, how));
            if (!loaded) return outcome(loaded);
            const Result<int> cgroup = bench.cgroup();
            if (!cgroup) return unknown("loads; attaching not tried: " + cgroup.error().message);
            return outcome(make_link(loaded->get(), *cgroup, how));
          }};
}

// Loads, and then attaches in a network namespace of our own.
template <class Attach>
Outcome try_in_own_network(Workbench& bench, const Program& program, Attach attach) {
  const Result<Fd> loaded = bench.load(program);
  if (!loaded) return outcome(loaded);
  if (!bench.own_network()) return unknown("loads; attaching not tried: " + bench.own_network().error().message);
  return attach(loaded->get());
}

Outcome try_on_socket_map(Workbench& bench, bpf_prog_type type, bpf_attach_type how) {
  const Result<Fd> loaded = bench.load(program_of(type, how));
  if (!loaded) return outcome(loaded);
  const Fd map(bpf_map_create(BPF_MAP_TYPE_SOCKMAP, "subfloor_probe", 4, 4, 1, nullptr));
  if (!map) return no(fail_errno("loads, but create a sockmap", errno).value().message);
  if (bpf_prog_attach(loaded->get(), map.get(), how, 0) != 0)
    return no(fail_errno("loads, but attach", errno).value().message);
  (void)bpf_prog_detach2(loaded->get(), map.get(), how);
  return yes();
}

Outcome try_socket_lookup(Workbench& bench) {
  return try_in_own_network(bench, program_of(BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP), [](int program) {
    const Fd network(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!network) return unknown(fail_errno("loads; open our network namespace", errno).value().message);
    return outcome(make_link(program, network.get(), BPF_SK_LOOKUP));
  });
}

Outcome try_reuseport(Workbench& bench) {
  const Result<Fd> loaded = bench.load(program_of(BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT));
  if (!loaded) return outcome(loaded);
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1, program = loaded->get();
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
    return unknown(fail_errno("loads; make a socket", errno).value().message);
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &program, sizeof program) != 0)
    return no(fail_errno("loads, but attach", errno).value().message);
  return yes();
}

Outcome try_tcx(Workbench& bench) {
  return try_in_own_network(bench, program_of(BPF_PROG_TYPE_SCHED_CLS, BPF_TCX_INGRESS, next_program),
                            [](int program) { return outcome(make_link(program, loopback, BPF_TCX_INGRESS)); });
}

// Where tc's parts are modules, using them loads them, and they would stay.
bool may_load_modules() {
  return ::access("/proc/modules", F_OK) == 0 && ::access("/sys/module/sch_ingress", F_OK) != 0;
}

Outcome attach_clsact(int program) {
  if (may_load_modules())
    return unknown("loads; attaching not tried: the kernel might load sch_ingress for it, to stay");
  LIBBPF_OPTS(bpf_tc_hook, hook);
  hook.ifindex = loopback;
  hook.attach_point = BPF_TC_INGRESS;
  if (const int error = bpf_tc_hook_create(&hook))
    return no(fail_errno("loads, but add clsact", -error).value().message);
  LIBBPF_OPTS(bpf_tc_opts, options);
  options.prog_fd = program;
  const int error = bpf_tc_attach(&hook, &options);
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  (void)bpf_tc_hook_destroy(&hook);
  return error == 0 ? yes() : no(fail_errno("loads, but attach", -error).value().message);
}

Outcome try_clsact(Workbench& bench) {
  return try_in_own_network(bench, program_of(BPF_PROG_TYPE_SCHED_CLS, static_cast<bpf_attach_type>(0), next_program),
                            attach_clsact);
}

Outcome try_xdp(Workbench& bench) {
  return try_in_own_network(bench, program_of(BPF_PROG_TYPE_XDP, BPF_XDP, XDP_PASS), [](int program) {
    LIBBPF_OPTS(bpf_link_create_opts, options);
    options.flags = XDP_FLAGS_SKB_MODE;
    const Result<Fd> link = make_link(program, loopback, BPF_XDP, &options);
    return link ? yes("generic mode; whether in the driver is up to each network device") : outcome(link);
  });
}

Outcome try_netfilter(Workbench& bench) {
  return try_in_own_network(bench, program_of(BPF_PROG_TYPE_NETFILTER, BPF_NETFILTER), [](int program) {
    LIBBPF_OPTS(bpf_link_create_opts, options);
    options.netfilter.pf = NFPROTO_IPV4;
    options.netfilter.hooknum = NF_INET_LOCAL_IN;
    options.netfilter.priority = -128;
    return outcome(make_link(program, 0, BPF_NETFILTER, &options));
  });
}

Probe network(std::string name, std::string used_by, std::function<Outcome(Workbench&)> run) {
  return {std::move(name), "network", networking, std::move(used_by), std::move(run)};
}

}  // namespace

std::vector<Probe> cgroup_probes() {
  const auto address = BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
  return {
      cgroup_program("cgroup/connect4", address, BPF_CGROUP_INET4_CONNECT, "services, and denying connections"),
      cgroup_program("cgroup/connect6", address, BPF_CGROUP_INET6_CONNECT, "services, and denying connections"),
      cgroup_program("cgroup/bind4", address, BPF_CGROUP_INET4_BIND, "denying listeners"),
      cgroup_program("cgroup/sendmsg4", address, BPF_CGROUP_UDP4_SENDMSG, "services over UDP, and denying datagrams"),
      cgroup_program("cgroup/recvmsg4", address, BPF_CGROUP_UDP4_RECVMSG, "services over UDP: the answer's address"),
      cgroup_program("cgroup/getpeername4", address, BPF_CGROUP_INET4_GETPEERNAME,
                     "services: the peer as it was named"),
      cgroup_program("cgroup/sock_create", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, "denying sockets"),
      cgroup_program("cgroup/getsockopt", BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT,
                     "original destinations for a proxy"),
      cgroup_program("cgroup/skb ingress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS,
                     "network policy, DNS over UDP"),
      cgroup_program("cgroup/skb egress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS,
                     "network policy, DNS over UDP"),
      cgroup_program("cgroup/dev", BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, "denying devices"),
      cgroup_program("sockops", BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS, "local traffic past the TCP stack"),
  };
}

std::vector<Probe> network_probes() {
  return {
      network("sk_msg", "HTTP policy without a proxy",
              [](Workbench& bench) { return try_on_socket_map(bench, BPF_PROG_TYPE_SK_MSG, BPF_SK_MSG_VERDICT); }),
      network(
          "sk_skb verdict", "local traffic past the TCP stack, on the receiving side",
          [](Workbench& bench) { return try_on_socket_map(bench, BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_STREAM_VERDICT); }),
      network("sk_lookup", "one listener for many ports and addresses", try_socket_lookup),
      network("sk_reuseport", "listeners handed over without a lost connection", try_reuseport),
      network("tcx", "packets routed and dropped, by links that do not clash (6.6)", try_tcx),
      network("tc clsact", "the same where there is no tcx", try_clsact),
      network("XDP", "floods dropped before the stack", try_xdp),
      network("netfilter link", "policy within netfilter (6.4)", try_netfilter),
  };
}

}  // namespace subfloor::bpf::probe
