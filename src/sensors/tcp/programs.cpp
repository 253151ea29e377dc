// SPDX-License-Identifier: Apache-2.0
#include "sensors/tcp/programs.h"

#include <array>
#include <string>

namespace subfloor::sensors {
namespace {

using Need = TcpProgram::Need;

constexpr auto table = std::to_array<TcpProgram>({
    {"", "tcp_established", TCP_FAMILY_SOCKET},
    {"", "tcp_destroyed", TCP_FAMILY_SOCKET},
    {"", "tcp_retransmitted", TCP_FAMILY_SOCKET},
    {"", "sockets_of_tasks", TCP_FAMILY_SOCKET, Need::always, false},

    {"fentry", "fx_tcp_send_begins", TCP_FAMILY_SEND},
    {"fentry", "fx_tcp_sent", TCP_FAMILY_SEND},
    {"fentry", "fx_tcp_sent_pages", TCP_FAMILY_SEND, Need::where_its_function_is},
    {"fentry", "fx_tcp_received", TCP_FAMILY_RECEIVE},
    {"fentry", "fx_tcp_spliced", TCP_FAMILY_RECEIVE, Need::where_its_function_is},
    {"fentry", "fx_unix_sent", TCP_FAMILY_UNIX},
    {"fentry", "fx_unix_sent_page", TCP_FAMILY_UNIX, Need::where_its_function_is},
    {"fentry", "fx_unix_received", TCP_FAMILY_UNIX},
    {"fentry", "fx_unix_spliced", TCP_FAMILY_UNIX},

    {"kprobe", "kp_tcp_send_begins", TCP_FAMILY_SEND},
    {"kprobe", "kp_tcp_send_pages_begins", TCP_FAMILY_SEND, Need::where_its_function_is},
    {"kprobe", "kp_tcp_send_ends", TCP_FAMILY_SEND},
    {"kprobe", "kp_tcp_receive_begins", TCP_FAMILY_RECEIVE},
    {"kprobe", "kp_tcp_splice_begins", TCP_FAMILY_RECEIVE, Need::where_its_function_is},
    {"kprobe", "kp_tcp_read_sock", TCP_FAMILY_RECEIVE},
    {"kprobe", "kp_tcp_zerocopy_receive", TCP_FAMILY_RECEIVE, Need::where_its_function_is},
    {"kprobe", "kp_tcp_received", TCP_FAMILY_RECEIVE},
    {"kprobe", "kp_unix_sent", TCP_FAMILY_UNIX},
    {"kprobe", "kp_unix_receive_begins", TCP_FAMILY_UNIX},
    {"kprobe", "kp_unix_read_begins", TCP_FAMILY_UNIX},
    {"kprobe", "kp_unix_read_ends", TCP_FAMILY_UNIX},
    {"kprobe", "kp_unix_splice_begins", TCP_FAMILY_UNIX},
    {"kprobe", "kp_unix_splice_ends", TCP_FAMILY_UNIX},

    {"tracepoint", "tp_send_begins", TCP_FAMILY_SEND},
    {"tracepoint", "tp_send_ends", TCP_FAMILY_SEND},
    {"tracepoint", "tp_receive", TCP_FAMILY_RECEIVE},
    {"tracepoint", "tp_unix_received", TCP_FAMILY_UNIX},

    {"syscall", "sys_exit_read", TCP_FAMILY_RECEIVE},
    {"syscall", "sys_exit_readv", TCP_FAMILY_RECEIVE},
    {"syscall", "sys_exit_recvfrom", TCP_FAMILY_RECEIVE},
    {"syscall", "sys_exit_recvmsg", TCP_FAMILY_RECEIVE},
    {"syscall", "sys_exit_recvmmsg", TCP_FAMILY_RECEIVE},
    {"syscall", "sys_exit_splice", TCP_FAMILY_RECEIVE},
    {"syscall", "sys_exit_write", TCP_FAMILY_SEND},
    {"syscall", "sys_exit_writev", TCP_FAMILY_SEND},
    {"syscall", "sys_exit_sendto", TCP_FAMILY_SEND},
    {"syscall", "sys_exit_sendmsg", TCP_FAMILY_SEND},
    {"syscall", "sys_exit_sendmmsg", TCP_FAMILY_SEND},
    {"syscall", "sys_exit_sendfile64", TCP_FAMILY_SEND},
});

// The function that its section names: fexit/tcp_recvmsg.
bool has_function(const bpf_program* program) {
  const std::string_view section = bpf_program__section_name(program);
  const std::string function(section.substr(section.find('/') + 1));
  return libbpf_find_vmlinux_btf_id(function.c_str(), BPF_TRACE_FENTRY) > 0;
}

bool wanted(const TcpProgram& one, const bpf_program* program, const Settings& settings) {
  const bool of_unix = one.family == TCP_FAMILY_UNIX;
  if (of_unix && !settings.unix_sockets) return false;
  return one.need != Need::where_its_function_is || has_function(program);
}

}  // namespace

Result<std::vector<const TcpProgram*>> choose_programs(bpf_object* object, std::string_view rung,
                                                       const Settings& settings) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) bpf_program__set_autoload(program, false);
  std::vector<const TcpProgram*> chosen;
  for (const TcpProgram& one : table) {
    if (!one.rung.empty() && one.rung != rung) continue;
    program = bpf_object__find_program_by_name(object, std::string(one.name).c_str());
    if (program == nullptr) return fail("no program " + std::string(one.name));
    if (!wanted(one, program, settings)) continue;
    bpf_program__set_autoload(program, true);
    chosen.push_back(&one);
  }
  return chosen;
}

}  // namespace subfloor::sensors
