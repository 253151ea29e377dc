// SPDX-License-Identifier: Apache-2.0
// tracefs and securityfs also where nobody mounted them.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace subfloor::bpf {

struct PseudoFs {
  Fd root;            // a directory, for openat
  std::string where;  // the mount point, or "" for a mount that only `root` refers to, gone when it is closed
};

// Opens the root of "tracefs", "securityfs" …: where it is mounted visibly, else by a mount of its own that is in no
// namespace (takes CAP_SYS_ADMIN and 5.2). Error: neither could be had.
[[nodiscard]] Result<PseudoFs> open_pseudo_fs(const std::string& type);

// A short file below such a root, without trailing line end.
[[nodiscard]] Result<std::string> read_file_at(const Fd& root, const std::string& path);

// The visible mount points of a file system type, from /proc/self/mountinfo.
[[nodiscard]] std::vector<std::string> mount_points(const std::string& type);

}  // namespace subfloor::bpf
