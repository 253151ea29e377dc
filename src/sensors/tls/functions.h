// SPDX-License-Identifier: Apache-2.0
// Which functions of which library are attached to, and with which program.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "elf/elf_file.h"

namespace subfloor::sensors::tls {

enum class Library : std::uint8_t { openssl, gnutls, go };  // openssl: and what has its functions, such as BoringSSL

[[nodiscard]] constexpr std::string_view to_string(Library library) {
  switch (library) {
    case Library::openssl: return "OpenSSL";
    case Library::gnutls: return "GnuTLS";
    case Library::go: return "Go";
  }
  return {};
}

// Where a program is put.
struct Placement {
  std::string_view program;
  std::vector<std::uint64_t> offsets;  // in the file
  bool at_return = false;              // where the functions that begin there return
};

// What of a file can be attached to, in the order in which it is to be attached.
struct Functions {
  Library library;
  std::vector<Placement> placements;
  std::vector<Placement> following = {};  // only while traces are followed
};

// No value where the file holds no TLS library; an error where it holds one that cannot be attached to. Functions of
// libraries are looked for among the given symbols; Go's in its own table.
[[nodiscard]] Result<std::optional<Functions>> find_functions(const elf::ElfFile& file, elf::ElfFile::Symbols which);

}  // namespace subfloor::sensors::tls
