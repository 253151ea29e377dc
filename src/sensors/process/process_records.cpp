// SPDX-License-Identifier: Apache-2.0
#include "sensors/process/process_records.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "base/byte_reader.h"

namespace subfloor::sensors {
namespace {

// Texts of a slice that are each ended by a NUL; the last may lack its own.
std::vector<std::string> texts(std::string_view slice) {
  std::vector<std::string> found;
  while (!slice.empty()) {
    const std::size_t end = slice.find('\0');
    found.emplace_back(slice.substr(0, end));
    if (end == std::string_view::npos) break;
    slice.remove_prefix(end + 1);
  }
  return found;
}

// "curl\0bin\0usr\0" is "usr/bin/curl".
std::string path_from_leaf(std::string_view slice) {
  const std::vector<std::string> names = texts(slice);
  std::string path;
  path.reserve(slice.size());
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (name != names.rbegin()) path += '/';
    path += *name;
  }
  return path;
}

std::string text_of(const char (&comm)[16]) { return {comm, strnlen(comm, sizeof comm)}; }

std::optional<std::string_view> slice_of(std::string_view tail, const process_slice& slice) {
  if (slice.offset > tail.size() || slice.length > tail.size() - slice.offset) return std::nullopt;
  return tail.substr(slice.offset, slice.length);
}

std::string executable_of(const process_exec_record& fixed, std::string_view slice) {
  if (fixed.flags & process_executable_as_given) return std::string(slice.substr(0, slice.find('\0')));
  return "/" + path_from_leaf(slice);
}

std::string cgroup_of(const process_exec_record& fixed, std::string_view slice) {
  const bool complete = (fixed.flags & process_cgroup_truncated) == 0;
  return (complete ? "/" : "") + path_from_leaf(slice);
}

ExecFacts facts_of(const process_exec_record& fixed, std::string_view directory) {
  return {.effective_uid = fixed.effective_uid,
          .effective_gid = fixed.effective_gid,
          .login_uid = fixed.login_uid,
          .session = fixed.session,
          .group = fixed.group,
          .own_pid = fixed.own_pid,
          .terminal = fixed.terminal,
          .inheritable = fixed.inheritable,
          .permitted = fixed.permitted,
          .effective = fixed.effective,
          .directory = (fixed.flags & process_directory_known) != 0 ? "/" + path_from_leaf(directory) : "",
          .device = fixed.device,
          .inode = fixed.inode,
          .changed = fixed.changed,
          .modified = fixed.modified,
          .upper_layer = (fixed.flags & process_executable_in_upper_layer) != 0,
          .memory_file = (fixed.flags & process_executable_in_memory) != 0};
}

}  // namespace

std::optional<Process> read_exec(std::span<const std::byte> record) {
  ByteReader reader(record);
  process_exec_record fixed;
  std::string_view tail;
  if (!reader.read(fixed) || !reader.read_text(reader.remaining(), tail)) return std::nullopt;
  const auto executable = slice_of(tail, fixed.executable);
  const auto cgroup = slice_of(tail, fixed.cgroup);
  const auto arguments = slice_of(tail, fixed.arguments);
  const auto directory = slice_of(tail, fixed.directory);
  if (!executable || !cgroup || !arguments || !directory) return std::nullopt;

  Process process;
  process.pid = fixed.pid;
  process.parent_pid = fixed.parent_pid;
  process.uid = fixed.uid;
  process.uid_known = true;
  process.start_time = fixed.start_time;
  process.comm = text_of(fixed.comm);
  process.executable = executable_of(fixed, *executable);
  process.arguments = texts(*arguments);
  process.arguments_truncated = (fixed.flags & (process_arguments_truncated | process_arguments_unreadable)) != 0;
  process.cgroup = cgroup_of(fixed, *cgroup);
  process.facts = facts_of(fixed, *directory);
  return process;
}

std::optional<Fork> read_fork(std::span<const std::byte> record) {
  ByteReader reader(record);
  process_fork_record fixed;
  if (!reader.read(fixed)) return std::nullopt;
  Fork fork;
  fork.forked_by = fixed.forked_by;
  fork.child.pid = fixed.pid;
  fork.child.parent_pid = fixed.parent_pid;
  fork.child.uid = fixed.uid;
  fork.child.uid_known = true;
  fork.child.start_time = fixed.start_time;
  fork.child.comm = text_of(fixed.comm);
  return fork;
}

std::optional<process_exit_record> read_exit(std::span<const std::byte> record) {
  ByteReader reader(record);
  process_exit_record fixed;
  if (!reader.read(fixed)) return std::nullopt;
  return fixed;
}

}  // namespace subfloor::sensors
