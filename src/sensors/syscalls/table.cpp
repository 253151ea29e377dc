// SPDX-License-Identifier: Apache-2.0
#include "sensors/syscalls/table.h"

#include <sys/syscall.h>

#include <algorithm>
#include <initializer_list>

namespace subfloor::sensors {
namespace {

// Numbers that the headers of Debian 12 do not have yet; the same on all architectures.
constexpr std::uint16_t fchmodat2 = 452;

constexpr std::uint8_t cwd = SYSCALLS_CWD;

// A shape, word by word. Arguments count from 1.
struct Shape : syscalls_shape {
  constexpr explicit Shape(syscalls_family of = SYSCALLS_FAMILY_CONTROL) : syscalls_shape{} { family = of; }

  [[nodiscard]] constexpr Shape gives_fd() const { return with(SYSCALLS_RESULT_IS_FD); }
  [[nodiscard]] constexpr Shape on_fd(std::uint8_t argument) const {
    Shape next = *this;
    next.fd = argument;
    return next;
  }
  [[nodiscard]] constexpr Shape texts(std::initializer_list<std::uint8_t> arguments) const {
    Shape next = *this;
    std::copy(arguments.begin(), arguments.end(), next.text);
    return next;
  }
  // Of texts 0 and 1; 0 where it is no path.
  [[nodiscard]] constexpr Shape below(std::uint8_t first, std::uint8_t second = 0) const {
    Shape next = *this;
    next.directory[0] = first;
    next.directory[1] = second;
    return next;
  }
  [[nodiscard]] constexpr Shape opens_as(std::uint8_t argument) const {
    Shape next = *this;
    next.open_flags = argument;
    return next;
  }
  [[nodiscard]] constexpr Shape to_address(std::uint8_t argument, std::uint8_t length) const {
    Shape next = *this;
    next.address = argument;
    next.address_length = length;
    return next;
  }
  // As many as the result says, where bytes is 0.
  [[nodiscard]] constexpr Shape holds(std::uint8_t argument, std::uint8_t bytes = 0) const {
    Shape next = *this;
    next.content = argument;
    next.content_length = bytes;
    return next;
  }
  [[nodiscard]] constexpr Shape with(syscalls_shape_flags flag) const {
    Shape next = *this;
    next.flags = static_cast<std::uint8_t>(next.flags | flag);
    return next;
  }
};

constexpr Shape raw{};
constexpr Shape opens = Shape(SYSCALLS_FAMILY_OPEN).gives_fd();
constexpr Shape transfers = Shape(SYSCALLS_FAMILY_TRANSFER).on_fd(1);
constexpr Shape path = Shape().texts({1}).below(cwd);
constexpr Shape path_at = Shape().texts({2}).below(1);
constexpr Shape two_paths = Shape().texts({1, 2}).below(cwd, cwd);
constexpr Shape two_paths_at = Shape().texts({2, 4}).below(1, 3);
constexpr Shape on_fd = Shape().on_fd(1);
constexpr Shape gives_fd = Shape().gives_fd();
constexpr std::uint8_t open_how_bytes = 24;

constexpr SyscallEntry table[] = {
#if defined(__x86_64__)  // the newer architectures have only what takes a directory
    {"open", SYS_open, {5}, opens.texts({1}).below(cwd).opens_as(2)},
    {"creat", SYS_creat, {8}, opens.texts({1}).below(cwd)},
    {"unlink", SYS_unlink, {10}, path},
    {"rmdir", SYS_rmdir, {40}, path},
    {"mkdir", SYS_mkdir, {39}, path},
    {"rename", SYS_rename, {38}, two_paths},
    {"link", SYS_link, {9}, two_paths},
    {"symlink", SYS_symlink, {83}, Shape().texts({1, 2}).below(0, cwd)},
    {"chmod", SYS_chmod, {15}, path},
    {"chown", SYS_chown, {182, 212}, path},
    {"lchown", SYS_lchown, {16, 198}, path},
    {"mknod", SYS_mknod, {14}, path},
    {"dup2", SYS_dup2, {63}, gives_fd},
#endif
    {"openat", SYS_openat, {295}, opens.texts({2}).below(1).opens_as(3)},
    {"openat2",
     SYS_openat2,
     {437},
     opens.texts({2}).below(1).opens_as(3).holds(3, open_how_bytes).with(SYSCALLS_FLAGS_ARE_STRUCT)},
    {"open_by_handle_at", SYS_open_by_handle_at, {342}, opens.opens_as(3)},

    {"socket", SYS_socket, {359}, gives_fd},
    {"connect", SYS_connect, {362}, on_fd.to_address(2, 3)},
    {"bind", SYS_bind, {361}, on_fd.to_address(2, 3)},
    {"listen", SYS_listen, {363}, on_fd},
    {"accept", SYS_accept, {}, gives_fd},
    {"accept4", SYS_accept4, {364}, gives_fd},
    {"sendto", SYS_sendto, {369}, transfers.to_address(5, 6).holds(2)},
    {"sendmsg", SYS_sendmsg, {370}, transfers.to_address(2, 0).with(SYSCALLS_ADDRESS_IS_MSGHDR)},
    {"recvfrom", SYS_recvfrom, {371}, transfers.to_address(5, 6).with(SYSCALLS_LENGTH_IS_POINTER).holds(2)},
    {"recvmsg", SYS_recvmsg, {372}, transfers.to_address(2, 0).with(SYSCALLS_ADDRESS_IS_MSGHDR)},

    {"dup", SYS_dup, {41}, gives_fd},
    {"dup3", SYS_dup3, {330}, gives_fd},
    {"fcntl", SYS_fcntl, {55, 221}, on_fd},
    {"pidfd_getfd", SYS_pidfd_getfd, {438}, gives_fd},

    {"execve", SYS_execve, {11}, path},
    {"execveat", SYS_execveat, {358}, path_at},
    {"ptrace", SYS_ptrace, {26}, raw},
    {"process_vm_readv", SYS_process_vm_readv, {347}, raw},
    {"process_vm_writev", SYS_process_vm_writev, {348}, raw},
    {"memfd_create", SYS_memfd_create, {356}, gives_fd.texts({1})},
    {"prctl", SYS_prctl, {172}, raw},
    {"mmap", SYS_mmap, {192}, Shape().on_fd(5).with(SYSCALLS_FD_UNLESS_ANONYMOUS)},
    {"mprotect", SYS_mprotect, {125}, raw},
    {"userfaultfd", SYS_userfaultfd, {374}, gives_fd},

    {"unlinkat", SYS_unlinkat, {301}, path_at},
    {"mkdirat", SYS_mkdirat, {296}, path_at},
    {"renameat", SYS_renameat, {302}, two_paths_at},
    {"renameat2", SYS_renameat2, {353}, two_paths_at},
    {"linkat", SYS_linkat, {303}, two_paths_at},
    {"symlinkat", SYS_symlinkat, {304}, Shape().texts({1, 3}).below(0, 2)},
    {"fchmod", SYS_fchmod, {94}, on_fd},
    {"fchmodat", SYS_fchmodat, {306}, path_at},
    {"fchmodat2", fchmodat2, {fchmodat2}, path_at},
    {"fchown", SYS_fchown, {95, 207}, on_fd},
    {"fchownat", SYS_fchownat, {298}, path_at},
    {"truncate", SYS_truncate, {92, 193}, path},
    {"ftruncate", SYS_ftruncate, {93, 194}, on_fd},
    {"mknodat", SYS_mknodat, {297}, path_at},

    {"init_module", SYS_init_module, {128}, Shape().texts({3})},
    {"finit_module", SYS_finit_module, {350}, on_fd.texts({2})},
    {"delete_module", SYS_delete_module, {129}, Shape().texts({1})},
    {"kexec_load", SYS_kexec_load, {283}, raw},
    {"bpf", SYS_bpf, {357}, raw},
    {"keyctl", SYS_keyctl, {288}, raw},
    {"io_uring_setup", SYS_io_uring_setup, {425}, gives_fd},
    {"io_uring_register", SYS_io_uring_register, {427}, raw},

    {"mount", SYS_mount, {21}, Shape().texts({1, 2, 3}).below(0, cwd)},
    {"umount2", SYS_umount2, {52}, path},
    {"pivot_root", SYS_pivot_root, {217}, two_paths},
    {"move_mount", SYS_move_mount, {429}, two_paths_at},
    {"chroot", SYS_chroot, {61}, path},
    {"setns", SYS_setns, {346}, on_fd},
    {"unshare", SYS_unshare, {310}, raw},

    {"setuid", SYS_setuid, {23, 213}, raw},
    {"setgid", SYS_setgid, {46, 214}, raw},
    {"setreuid", SYS_setreuid, {70, 203}, raw},
    {"setregid", SYS_setregid, {71, 204}, raw},
    {"setresuid", SYS_setresuid, {164, 208}, raw},
    {"setresgid", SYS_setresgid, {170, 210}, raw},
    {"setfsuid", SYS_setfsuid, {138, 215}, raw},
    {"setfsgid", SYS_setfsgid, {139, 216}, raw},
    {"setgroups", SYS_setgroups, {81, 206}, raw},
    {"capset", SYS_capset, {185}, raw},
};

constexpr UringEntry requests[] = {
    {SYSCALLS_OP_OPENAT, SYS_openat},       {SYSCALLS_OP_OPENAT2, SYS_openat2},    {SYSCALLS_OP_CONNECT, SYS_connect},
    {SYSCALLS_OP_ACCEPT, SYS_accept4},      {SYSCALLS_OP_BIND, SYS_bind},          {SYSCALLS_OP_LISTEN, SYS_listen},
    {SYSCALLS_OP_SOCKET, SYS_socket},       {SYSCALLS_OP_SENDMSG, SYS_sendmsg},    {SYSCALLS_OP_RECVMSG, SYS_recvmsg},
    {SYSCALLS_OP_UNLINKAT, SYS_unlinkat},   {SYSCALLS_OP_RENAMEAT, SYS_renameat2}, {SYSCALLS_OP_MKDIRAT, SYS_mkdirat},
    {SYSCALLS_OP_SYMLINKAT, SYS_symlinkat}, {SYSCALLS_OP_LINKAT, SYS_linkat},
};

constexpr SocketcallEntry socketcalls[] = {
    {1, 3, SYS_socket},    {2, 3, SYS_bind},     {3, 3, SYS_connect},   {4, 2, SYS_listen},
    {5, 3, SYS_accept},    {9, 4, SYS_sendto},   {10, 4, SYS_recvfrom}, {11, 6, SYS_sendto},
    {12, 6, SYS_recvfrom}, {16, 3, SYS_sendmsg}, {17, 3, SYS_recvmsg},  {18, 4, SYS_accept4},
};

}  // namespace

std::span<const SyscallEntry> syscall_table() { return table; }

std::span<const UringEntry> uring_table() { return requests; }

std::span<const SocketcallEntry> socketcall_table() { return socketcalls; }

const SyscallEntry* syscall_entry(std::uint16_t native) {
  const auto* found = std::ranges::find(table, native, &SyscallEntry::native);
  return found == std::end(table) ? nullptr : found;
}

const SyscallEntry* syscall_entry(std::string_view name) {
  const auto* found = std::ranges::find(table, name, &SyscallEntry::name);
  return found == std::end(table) ? nullptr : found;
}

}  // namespace subfloor::sensors
