// SPDX-License-Identifier: Apache-2.0
#include "identity/process/elf_language.h"

#include <string.h>  // memmem

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "elf/elf_file.h"

namespace subfloor::identity {
namespace {

using elf::ElfFile;

struct Trace {
  std::string_view text;
  Language language;
};

constexpr std::size_t max_comment = 16 << 10;
constexpr std::size_t max_names = 4 << 20;
constexpr std::size_t max_constants = 4 << 20;

// Sections that only one compiler makes. Those of languages that have no name here keep the file from passing for C.
constexpr Trace section_traces[] = {
    {".go.buildinfo", Language::go},
    {".note.go.buildid", Language::go},
    {".gopclntab", Language::go},
    {".rustc", Language::rust},
    {".svm_heap", Language::java},  // GraalVM native image
    {"__managedcode", Language::dotnet},
    {".dotnet_eh_table", Language::dotnet},
    {".debug-ghc-link-info", Language::unknown},
    {"swift5_protocols", Language::unknown},
};

// Functions by which an interpreter under another name is known: it exports them, or imports them from its library.
constexpr Trace dynamic_name_traces[] = {
    {"node_module_register", Language::nodejs}, {"DotNetRuntimeInfo", Language::dotnet},
    {"Py_BytesMain", Language::python},         {"ruby_run_node", Language::ruby},
    {"php_module_startup", Language::php},
};

constexpr std::string_view rust_names[] = {"rust_eh_personality", "__rust_alloc", "lang_start"};
constexpr std::string_view c_names[] = {"__libc_start_main", "__libc_start_call_main", "__gxx_personality_v0"};

std::string content(const ElfFile& file, std::string_view section, std::size_t limit) {
  const ElfFile::Section* found = file.find(section);
  return found == nullptr ? std::string{} : file.content(*found, limit);
}

// As find(), which is several times slower on megabytes.
std::size_t position_of(std::string_view part, std::string_view text) {
  const void* at = ::memmem(text.data(), text.size(), part.data(), part.size());
  return at == nullptr ? std::string_view::npos : static_cast<std::size_t>(static_cast<const char*>(at) - text.data());
}

bool contains(std::string_view text, std::string_view part) {
  return position_of(part, text) != std::string_view::npos;
}

template <std::size_t n>
bool contains_any(std::string_view text, const std::string_view (&parts)[n]) {
  return std::ranges::any_of(parts, [&](std::string_view part) { return contains(text, part); });
}

std::optional<Language> by_section(const ElfFile& file) {
  for (const Trace& trace : section_traces) {
    if (file.find(trace.text) != nullptr) return trace.language;
  }
  return std::nullopt;
}

std::optional<Language> by_dynamic_name(const ElfFile& file) {
  const std::string names = content(file, ".dynstr", max_names);
  for (const Trace& trace : dynamic_name_traces) {
    if (contains(names, trace.text)) return trace.language;
  }
  return std::nullopt;
}

// "…/library/core/src/option.rs": where a panic in the standard library is said to come from. The text of a program
// that only speaks of such paths, as this one does, does not go on like one.
bool names_rust_source(std::string_view constants) {
  for (const std::string_view library : {"/library/core/src/", "/library/std/src/", "/library/alloc/src/"}) {
    const std::size_t at = position_of(library, constants);
    if (at == std::string_view::npos) continue;
    std::string_view rest = constants.substr(at + library.size(), 128);
    rest = rest.substr(0, rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_/"));
    if (!rest.empty() && constants.substr(at + library.size() + rest.size()).starts_with(".rs")) return true;
  }
  return false;
}

// The three places in the order of their cost; a stripped file keeps the last, the source paths in panic messages.
bool is_rust(const ElfFile& file, std::string_view comment, std::string_view names) {
  return contains(comment, "rustc version") || contains_any(names, rust_names) ||
         names_rust_source(content(file, ".rodata", max_constants));
}

bool is_c(const ElfFile& file, std::string_view comment, std::string_view names) {
  const auto is_c_library = [](std::string_view name) {
    return name.starts_with("libc.so") || name.starts_with("libc.musl") || name.starts_with("libstdc++.so") ||
           name.starts_with("libc++.so");
  };
  return std::ranges::any_of(file.needed(), is_c_library) || contains(comment, "GCC: (") ||
         contains(comment, "clang version") || contains_any(names, c_names);
}

}  // namespace

Language language_of_elf(int fd) {
  const auto file = ElfFile::read(fd);
  if (!file) return Language::unknown;
  if (const auto language = by_section(*file)) return *language;
  if (const auto language = by_dynamic_name(*file)) return *language;
  const std::string comment = content(*file, ".comment", max_comment);
  const std::string names = content(*file, ".strtab", max_names);
  if (is_rust(*file, comment, names)) return Language::rust;
  return is_c(*file, comment, names) ? Language::cpp : Language::unknown;
}

}  // namespace subfloor::identity
