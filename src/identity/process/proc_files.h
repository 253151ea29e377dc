// SPDX-License-Identifier: Apache-2.0
// What /proc tells of a process. Each function is one look: the process may be gone, or its pid reused, at the next.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/process.h"

namespace subfloor::identity {

inline constexpr std::size_t max_argument_bytes = 4096;

class ProcFiles {
 public:
  // root: "/proc", or a tree that looks like it.
  explicit ProcFiles(std::string root) : root_(std::move(root)) {}

  // All but the language. Empty where there is no such process. Start times are whole clock ticks.
  [[nodiscard]] std::optional<Process> read(std::uint32_t pid) const;
  // Thread groups there are now, ascending.
  [[nodiscard]] std::vector<std::uint32_t> pids() const;

  // Parts of the above. They leave the process as it was where they cannot be had.
  [[nodiscard]] bool read_stat(Process& process) const;  // comm, parent, start time; false where it is gone
  void read_uid(Process& process) const;
  void read_executable(Process& process) const;
  void read_arguments(Process& process) const;
  void read_cgroup(Process& process) const;  // and container id
  void read_declared_service(Process& process) const;

  // "/proc/42/exe"
  [[nodiscard]] std::string path(std::uint32_t pid, std::string_view file) const;

 private:
  std::string root_;
};

// Whether both can be the start of one process: one of them may be rounded to clock ticks.
[[nodiscard]] bool same_start(Nanoseconds a, Nanoseconds b);

// The whole content of a file that is read in one go, at most limit bytes; empty optional where it cannot be read.
[[nodiscard]] std::optional<std::string> read_bounded(const std::string& path, std::size_t limit);

}  // namespace subfloor::identity
