// SPDX-License-Identifier: Apache-2.0
// One system call that somebody asked for, when it has returned: what the caller gave, and what the kernel made of it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "model/connection.h"

namespace subfloor {

// The name by which a file was opened, as the kernel holds it: for Sensor::syscall_filter(), and not to be looked into.
// All zero: nothing can be said of it.
struct FileName {
  std::array<std::uint64_t, 6> opaque{};

  [[nodiscard]] bool known() const { return opaque[0] != 0; }
  auto operator<=>(const FileName&) const = default;
};

// For what a file was opened: bits.
enum FileAccess : std::uint8_t {
  access_read = 1,
  access_write = 2,
  access_truncate = 4,  // the caller said O_TRUNC
  access_path = 8,  // O_PATH
  access_create = 16,  // the caller said O_CREAT, and it was there already
};

// From the kernel's own object, whatever the caller's text says by now.
struct SyscallFile {
  std::string_view path;  // up to the root of the mount namespace
  bool path_truncated = false;  // names nearest the root are missing, and the '/' in front
  bool path_foreign = false;  // it ends at the root of another mount namespace than the caller's, or of none
  bool pseudo = false;  // has no path; `path` is what the kernel calls it, "memfd:x", or empty
  bool unlinked = false;  // the name is gone
  bool created = false;  // by this call
  std::uint64_t inode = 0;
  std::uint64_t device = 0;  // dev_t of the file system; where those are stacked, stat() may say another
  std::uint32_t mode = 0;  // type and permissions, as st_mode
  std::uint32_t links = 0;
  std::uint32_t owner = 0;  // uid in the root user namespace
  std::uint32_t flags = 0;  // O_…, without those that only mattered to open: O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC
  std::uint8_t accesses = 0;  // FileAccess; of opens only
  FileName name;  // of opens only
};

struct SyscallSocket {
  SocketKey key = 0;  // 0: has none yet
  std::uint16_t family = 0, type = 0, protocol = 0;
  std::uint8_t state = 0;  // TCP_…
  Address local, remote;
  std::string_view unix_path;  // its own name, or that of whom it is connected to; "@name" if abstract
};

// As the caller gave it, or was given it.
struct SyscallAddress {
  std::uint16_t family = 0;  // 0: unknown
  Address inet;  // AF_INET, AF_INET6
  std::string_view unix_path;  // AF_UNIX; "@name" if abstract
  std::string_view bytes;  // of the sockaddr, at most 128
  bool unreadable = false;
};

// As the caller has it in memory when the call returns: it may have been another when the kernel read it.
struct SyscallText {
  std::string_view text;
  bool truncated = false;  // all texts of a call are 4095 bytes at most
  bool unreadable = false;
};

struct Syscall {
  std::uint16_t number = 0;  // of the native table, also where ia32 or io_uring
  bool ia32 = false;  // came by the 32-bit table; arguments are 32 bits wide
  bool io_uring = false;  // asked of io_uring: of `args`, only those that its request has
  bool result_known = true;  // io_uring tells when it takes a request, not when it has done it
  // Texts are all that is known of which file it is: io_uring has not opened it yet, or another thread had closed the
  // descriptor before the kernel's file could be looked at.
  bool path_unverified = false;
  std::int64_t result = 0;  // negative: an errno
  std::array<std::uint64_t, 6> args{};
  std::uint32_t pid = 0, tid = 0, uid = 0;  // in the root namespaces
  std::uint64_t cgroup_id = 0;  // v2
  Nanoseconds process_start = 0;  // CLOCK_BOOTTIME; with the pid, names the process
  Nanoseconds when = 0;
  std::optional<SyscallFile> file;  // that it gave, or was about
  std::optional<SyscallSocket> socket;  // the same, if that is what it is
  std::optional<SyscallAddress> address;
  std::array<SyscallText, 3> text;  // in the order of the arguments
  // What relative texts 0 and 1 are relative to: the path of their directory; empty where the text is absolute or
  // nothing is known.
  std::array<std::string_view, 2> directory;
  std::array<bool, 2> directory_truncated{};
  std::string_view content;  // first bytes, at most 128, of what was sent or received, or of a struct
};

}  // namespace subfloor
