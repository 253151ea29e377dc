// SPDX-License-Identifier: Apache-2.0
#include "identity/process/language.h"

#include <fcntl.h>

#include <algorithm>

#include "base/fd.h"
#include "identity/process/elf_language.h"

namespace subfloor::identity {
namespace {

constexpr std::size_t max_files = 4096;
constexpr std::size_t max_maps = 256 << 10;

struct Interpreter {
  std::string_view name;
  Language language;
};

// Followed by nothing, or by a version: "python3.11", "php-fpm8.2".
constexpr Interpreter interpreters[] = {
    {"python", Language::python},   {"pypy", Language::python},      {"node", Language::nodejs},
    {"nodejs", Language::nodejs},   {"ruby", Language::ruby},        {"php", Language::php},
    {"php-fpm", Language::php},     {"php-cgi", Language::php},      {"java", Language::java},
    {"dotnet", Language::dotnet},   {"perl", Language::unknown},     {"sh", Language::unknown},
    {"bash", Language::unknown},    {"dash", Language::unknown},     {"zsh", Language::unknown},
    {"busybox", Language::unknown}, {"lua", Language::unknown},      {"luajit", Language::unknown},
    {"tclsh", Language::unknown},   {"Rscript", Language::unknown},  {"guile", Language::unknown},
    {"escript", Language::unknown}, {"beam.smp", Language::unknown},
};

// Followed by '-', '.', a version or nothing: "libpython3.11.so.1.0", "libnode.so.108", "libphp8.2.so".
constexpr Interpreter runtimes[] = {
    {"libjvm", Language::java},    {"libcoreclr", Language::dotnet}, {"libpython", Language::python},
    {"libnode", Language::nodejs}, {"libruby", Language::ruby},      {"libphp", Language::php},
};

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Never opens what is no regular file: that could block, or act.
Fd open_regular(const std::string& path, struct stat& status) {
  const Fd found(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!found || ::fstat(found.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return Fd(::open(("/proc/self/fd/" + std::to_string(found.get())).c_str(), O_RDONLY | O_CLOEXEC));
}

bool is_version(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || c == '.' || c == '-'; });
}

}  // namespace

std::optional<Language> language_of_name(std::string_view executable) {
  const std::string_view name = file_name(executable);
  for (const Interpreter& interpreter : interpreters) {
    if (name.starts_with(interpreter.name) && is_version(name.substr(interpreter.name.size())))
      return interpreter.language;
  }
  return std::nullopt;
}

Language language_of_maps(std::string_view maps) {
  while (!maps.empty()) {
    const std::string_view line = maps.substr(0, maps.find('\n'));
    maps.remove_prefix(std::min(maps.size(), line.size() + 1));
    const std::size_t path = line.find('/');
    if (path == std::string_view::npos) continue;
    const std::string_view name = file_name(line.substr(path));
    for (const Interpreter& runtime : runtimes) {
      if (!name.starts_with(runtime.name)) continue;
      const std::string_view rest = name.substr(runtime.name.size());
      const std::size_t suffix = rest.find(".so");
      if (suffix != std::string_view::npos && is_version(rest.substr(0, suffix))) return runtime.language;
    }
  }
  return Language::unknown;
}

Language LanguageDetector::detect(const Process& process) {
  if (const auto language = language_of_name(process.executable)) return *language;
  const Language compiled = of_file(process);
  // A native program may be the launcher of a runtime (mod_php, uwsgi, a .NET host), never a Go or Rust one.
  if (compiled != Language::cpp && compiled != Language::unknown) return compiled;
  const auto maps = read_bounded(proc_.path(process.pid, "maps"), max_maps);
  const Language mapped = maps ? language_of_maps(*maps) : Language::unknown;
  return mapped == Language::unknown ? compiled : mapped;
}

Language LanguageDetector::of_file(const Process& process) {
  struct stat status{};
  Fd file = open_regular(proc_.path(process.pid, "exe"), status);
  // The path is the process's own: in a container it may name another file here.
  if (!file && process.container_id.empty() && process.executable.starts_with('/'))
    file = open_regular(process.executable, status);
  if (!file) return Language::unknown;

  const FileKey key{status.st_dev, status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_size};
  if (const auto known = files_.find(key); known != files_.end()) return known->second;
  if (files_.size() >= max_files) files_.clear();
  return files_[key] = language_of_elf(file.get());
}

}  // namespace subfloor::identity
