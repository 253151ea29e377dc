// SPDX-License-Identifier: Apache-2.0
// What language a process is written in: by its executable's name where that is an interpreter, by the runtime it has
// mapped, by the traces of a compiler.
#pragma once

#include <sys/stat.h>

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "identity/process/proc_files.h"
#include "model/process.h"

namespace subfloor::identity {

// The language an interpreter runs, by the file name of its executable. A value that is Language::unknown means an
// interpreter of some other language (a shell, Perl); no value, that the name tells nothing.
[[nodiscard]] std::optional<Language> language_of_name(std::string_view executable);

// By the runtime library in /proc/PID/maps text; unknown where there is none.
[[nodiscard]] Language language_of_maps(std::string_view maps);

class LanguageDetector {
 public:
  explicit LanguageDetector(const ProcFiles& proc) : proc_(proc) {}

  // process.pid may have gone: then by the file its executable names, unless that is in a container.
  // First call per executable file: reads it, in some 100 µs, of large stripped ones up to 50 ms. Later ones: the
  // file's status, and the process's maps where it is native.
  [[nodiscard]] Language detect(const Process& process);

 private:
  // A file as it was: changed content has another time.
  struct FileKey {
    dev_t device;
    ino_t inode;
    std::int64_t seconds, nanoseconds, size;
    auto operator<=>(const FileKey&) const = default;
  };
  [[nodiscard]] Language of_file(const Process& process);

  const ProcFiles& proc_;
  std::map<FileKey, Language> files_;
};

}  // namespace subfloor::identity
