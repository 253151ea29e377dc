// SPDX-License-Identifier: Apache-2.0
#include "sensors/syscalls/records.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/byte_reader.h"

namespace subfloor::sensors {
namespace {

// The parts of one record; `whole` turns false where a slice reaches beyond the tail.
struct Tail {
  std::string_view bytes;
  bool whole = true;

  std::string_view operator[](const syscalls_slice& slice) {
    if (slice.offset <= bytes.size() && slice.length <= bytes.size() - slice.offset)
      return bytes.substr(slice.offset, slice.length);
    whole = false;
    return {};
  }
};

// Appends "usr/bin/curl" of "curl\0bin\0usr\0"; what it appended.
std::string_view append_from_leaf(std::string& all, std::string_view names, bool from_root) {
  const std::size_t begin = all.size();
  if (names.ends_with('\0')) names.remove_suffix(1);
  if (from_root && names.empty()) all += '/';
  while (!names.empty()) {
    const std::size_t end = names.rfind('\0');
    if (from_root || all.size() != begin) all += '/';
    all += names.substr(end == std::string_view::npos ? 0 : end + 1);
    names = names.substr(0, end == std::string_view::npos ? 0 : end);
  }
  return std::string_view(all).substr(begin);
}

// "@name" of "\0name"; otherwise up to its NUL.
std::string_view append_unix_path(std::string& all, std::string_view path) {
  if (path.empty() || path[0] != '\0') return path.substr(0, path.find('\0'));
  const std::size_t begin = all.size();
  all += '@';
  all += path.substr(1);
  return std::string_view(all).substr(begin);
}

Address address_of(const __u8 (&ip)[16], __u16 port) {
  Address address;
  std::ranges::copy(ip, address.ip.begin());
  address.port = port;
  return address;
}

Address inet_address(std::string_view sockaddr, std::size_t ip_at, std::size_t ip_size) {
  Address address;
  if (sockaddr.size() < ip_at + ip_size) return address;
  if (ip_size == 4) address.ip[10] = address.ip[11] = 0xff;
  std::memcpy(address.ip.data() + 16 - ip_size, sockaddr.data() + ip_at, ip_size);
  address.port =
      static_cast<std::uint16_t>(static_cast<std::uint8_t>(sockaddr[2]) << 8 | static_cast<std::uint8_t>(sockaddr[3]));
  return address;
}

SyscallAddress sockaddr_of(std::string& all, std::string_view bytes) {
  SyscallAddress address;
  address.bytes = bytes;
  if (bytes.size() < sizeof(__u16)) return address;
  std::memcpy(&address.family, bytes.data(), sizeof address.family);
  if (address.family == AF_INET) address.inet = inet_address(bytes, 4, 4);
  if (address.family == AF_INET6) address.inet = inet_address(bytes, 8, 16);
  if (address.family == AF_UNIX) address.unix_path = append_unix_path(all, bytes.substr(sizeof(__u16)));
  return address;
}

FileName opaque_name(const syscalls_file& file) {
  const syscalls_name& name = file.name;
  if (name.chain == 0) return {};
  return {{name.chain, name.dentry, name.inode, name.number, name.generation, file.epoch}};
}

SyscallFile file_of(const syscalls_record& fixed) {
  SyscallFile file;
  const auto has = [&fixed](std::uint32_t flag) { return (fixed.flags & flag) != 0; };
  file.path_truncated = has(SYSCALLS_PATH_TRUNCATED);
  file.path_foreign = has(SYSCALLS_PATH_FOREIGN);
  file.unlinked = has(SYSCALLS_FILE_UNLINKED);
  file.created = has(SYSCALLS_FILE_CREATED);
  file.pseudo = has(SYSCALLS_PATH_PSEUDO) || has(SYSCALLS_SOCKET);
  file.inode = fixed.file.name.number;
  file.device = makedev(fixed.file.device >> 20, fixed.file.device & 0xfffff);
  file.mode = fixed.file.mode;
  file.links = fixed.file.links;
  file.owner = fixed.file.owner;
  file.flags = fixed.file.flags;
  file.accesses = fixed.accesses;
  file.name = opaque_name(fixed.file);
  return file;
}

SyscallSocket socket_of(const syscalls_record& fixed) {
  constexpr SocketKey unix_key = SocketKey{1} << 63;
  SyscallSocket socket;
  socket.family = fixed.socket.family;
  socket.type = fixed.socket.type;
  socket.protocol = fixed.socket.protocol;
  socket.state = fixed.socket.state;
  socket.key = socket.family == AF_UNIX ? fixed.file.name.number | unix_key : fixed.socket.cookie;
  socket.local = address_of(fixed.socket.local_ip, fixed.socket.local_port);
  socket.remote = address_of(fixed.socket.remote_ip, fixed.socket.remote_port);
  return socket;
}

Syscall fixed_part(const syscalls_record& fixed) {
  Syscall call;
  call.number = fixed.number;
  call.ia32 = (fixed.flags & SYSCALLS_IA32) != 0;
  call.io_uring = (fixed.flags & SYSCALLS_URING) != 0;
  call.path_unverified = (fixed.flags & (SYSCALLS_URING | SYSCALLS_FILE_GONE)) != 0;
  call.result_known = (fixed.flags & SYSCALLS_RESULT_UNKNOWN) == 0;
  call.result = fixed.result;
  std::ranges::copy(fixed.args, call.args.begin());
  call.pid = fixed.pid;
  call.tid = fixed.tid;
  call.uid = fixed.uid;
  call.cgroup_id = fixed.cgroup_id;
  call.process_start = fixed.start_time;
  call.when = fixed.header.time;
  return call;
}

}  // namespace

std::optional<Syscall> SyscallReader::read(std::span<const std::byte> record) {
  ByteReader reader(record);
  syscalls_record fixed;
  Tail tail;
  if (!reader.read(fixed) || !reader.read_text(reader.remaining(), tail.bytes)) return std::nullopt;
  // Slices of a hostile record may be of the same bytes; what is appended must never move.
  paths_.clear();
  paths_.reserve(5 * (tail.bytes.size() + 2));

  Syscall call = fixed_part(fixed);
  if (fixed.flags & SYSCALLS_FILE) {
    call.file = file_of(fixed);
    call.file->path =
        fixed.flags & SYSCALLS_PATH_PSEUDO
            ? tail[fixed.path].substr(0, tail[fixed.path].find('\0'))
            : append_from_leaf(paths_, tail[fixed.path], !call.file->path_truncated && !call.file->pseudo);
  }
  if (fixed.flags & SYSCALLS_SOCKET) {
    call.socket = socket_of(fixed);
    call.socket->unix_path = append_unix_path(paths_, tail[fixed.unix_path]);
  }
  for (std::size_t i = 0; i < SYSCALLS_TEXTS; ++i) {
    call.text[i].text = tail[fixed.text[i]];
    call.text[i].truncated = (fixed.flags & SYSCALLS_TEXT_TRUNCATED << i) != 0;
    call.text[i].unreadable = (fixed.flags & SYSCALLS_TEXT_UNREADABLE << i) != 0;
  }
  for (std::size_t i = 0; i < SYSCALLS_DIRECTORIES; ++i) {
    std::string_view names = tail[fixed.directory[i]];
    if (names.empty()) continue;
    call.directory_truncated[i] = (fixed.flags & SYSCALLS_DIRECTORY_TRUNCATED << i) != 0;
    names.remove_suffix(1);
    call.directory[i] = append_from_leaf(paths_, names, !call.directory_truncated[i]);
  }
  if (fixed.address.length != 0) call.address = sockaddr_of(paths_, tail[fixed.address]);
  if (fixed.flags & SYSCALLS_ADDRESS_UNREADABLE) call.address.emplace().unreadable = true;
  call.content = tail[fixed.content];
  if (!tail.whole) return std::nullopt;
  return call;
}

syscalls_name name_of(const FileName& name) {
  const auto& words = name.opaque;
  return {words[0], words[1], words[2], words[3], static_cast<__u32>(words[4]), 0};
}

__u32 epoch_of(const FileName& name) { return static_cast<__u32>(name.opaque[5]); }

}  // namespace subfloor::sensors
