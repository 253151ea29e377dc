// SPDX-License-Identifier: Apache-2.0
// The files whose code a process has mapped, from /proc/PID/maps.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace subfloor::sensors::tls {

// As the kernel names it there; not always what fstat() says (overlayfs).
struct FileId {
  std::uint64_t device = 0, inode = 0;
  auto operator<=>(const FileId&) const = default;
};

struct MappedFile {
  FileId id;
  std::string range;   // "7f12a000-7f12b000"
  std::string path;    // in the mount namespace of the process
  bool deleted = false;
};

// How the kernel would name the open file there: found by mapping its first page for a moment. Nothing where it cannot
// be mapped.
[[nodiscard]] std::optional<FileId> id_as_mapped(int fd);

// Each file once. `maps` is the text of the file; lines that are not like it are left out.
[[nodiscard]] std::vector<MappedFile> read_mapped_code(std::string_view maps);

// Of a process; empty where it is gone or may not be looked at. At most 4 MiB of text are read.
[[nodiscard]] std::vector<MappedFile> mapped_code_of(std::uint32_t pid);

// The file itself: what is mapped, not what has its name now. No descriptor where it cannot be had.
[[nodiscard]] Fd open_mapped(std::uint32_t pid, const MappedFile& file);

}  // namespace subfloor::sensors::tls
