// SPDX-License-Identifier: Apache-2.0
#include "sensors/tls/functions.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <utility>

#include "elf/instructions.h"
#include "sensors/tls/go_functions.h"

namespace subfloor::sensors::tls {
namespace {

constexpr std::size_t code_limit = 512;  // of the beginning of a function

struct Hook {
  Library library;
  std::string_view function;
  std::string_view program;     // where it begins
  std::string_view at_return;   // where it returns; "" where that is not needed
  bool essential = false;       // a file without it is not that library
};

constexpr std::array hooks = std::to_array<Hook>({
    {Library::openssl, "SSL_read", "read_begins", "int_returns", true},
    {Library::openssl, "SSL_write", "write_begins", "int_returns", true},
    {Library::openssl, "SSL_read_ex", "read_ex_begins", "int_returns"},
    {Library::openssl, "SSL_write_ex", "write_ex_begins", "int_returns"},
    {Library::openssl, "SSL_free", "session_ends", ""},
    {Library::openssl, "SSL_clear", "session_ends", ""},
    {Library::gnutls, "gnutls_record_recv", "read_begins", "long_returns", true},
    {Library::gnutls, "gnutls_record_send", "write_begins", "long_returns", true},
    {Library::gnutls, "gnutls_deinit", "session_ends", ""},
});

using Offsets = std::array<std::uint64_t, hooks.size()>;  // in the file; 0: it has no such function

Offsets look_up(const elf::ElfFile& file, elf::ElfFile::Symbols which) {
  std::array<std::string_view, hooks.size()> names;
  std::ranges::transform(hooks, names.begin(), &Hook::function);
  Offsets offsets{};
  std::ranges::copy(file.functions(names, which), offsets.begin());
  return offsets;
}

bool is_library(Library library, const Offsets& offsets) {
  for (std::size_t i = 0; i < hooks.size(); ++i) {
    if (hooks[i].library == library && hooks[i].essential && offsets[i] == 0) return false;
  }
  return true;
}

struct Forwarded {
  std::uint64_t target = 0;  // in the file
  bool fourth_on_stack = false;
};

std::optional<Forwarded> forwarded(const elf::ElfFile& file, std::uint64_t function) {
  const auto found = elf::forwarding(file.machine(), file.bytes(function, code_limit));
  const auto address = file.address_of(function);
  if (!found || !address) return std::nullopt;
  const auto target = file.code_offset_of(*address + static_cast<std::uint64_t>(found->target));
  if (!target) return std::nullopt;
  return Forwarded{*target, found->fourth_on_stack};
}

// Where OpenSSL's SSL_read(ssl, buffer, int) and SSL_read_ex(ssl, buffer, size, &moved) come together: a function of
// its own that takes what SSL_read_ex takes. No value where it is not certain that they do, or where nothing is gained.
std::optional<std::uint64_t> common_function(const elf::ElfFile& file, std::uint64_t plain, std::uint64_t extended) {
  if (plain == 0 || extended == 0) return std::nullopt;
  const auto of_plain = forwarded(file, plain), of_extended = forwarded(file, extended);
  if (!of_plain || !of_extended || of_plain->target != of_extended->target) return std::nullopt;
  if (!of_plain->fourth_on_stack || of_extended->fourth_on_stack) return std::nullopt;
  const auto entry = elf::cheap_entry(file.machine(), file.bytes(of_plain->target, code_limit));
  return entry ? std::optional(of_plain->target + *entry) : std::nullopt;
}

// The functions of OpenSSL begin with instructions that the kernel has to step over; the ones they call do not.
void prefer_common_functions(const elf::ElfFile& file, Offsets& offsets) {
  const auto of = [&](std::string_view name) -> std::uint64_t& {
    return offsets[static_cast<std::size_t>(std::ranges::find(hooks, name, &Hook::function) - hooks.begin())];
  };
  for (const auto& [plain, extended] : {std::pair("SSL_read", "SSL_read_ex"), std::pair("SSL_write", "SSL_write_ex")}) {
    if (const auto common = common_function(file, of(plain), of(extended))) {
      of(plain) = 0;
      of(extended) = *common;
    }
  }
}

// By program, so that one link serves all its places. First the ends of sessions and of calls.
std::vector<Placement> placements_of(Library library, const Offsets& offsets) {
  std::map<std::string_view, std::vector<std::uint64_t>> begins, returns;
  for (std::size_t i = 0; i < hooks.size(); ++i) {
    if (hooks[i].library != library || offsets[i] == 0) continue;
    begins[hooks[i].program].push_back(offsets[i]);
    if (!hooks[i].at_return.empty()) returns[hooks[i].at_return].push_back(offsets[i]);
  }
  std::vector<Placement> all;
  for (auto& [program, places] : returns) all.push_back({program, std::move(places), true});
  for (auto& [program, places] : begins) all.push_back({program, std::move(places), false});
  return all;
}

}  // namespace

Result<std::optional<Functions>> find_functions(const elf::ElfFile& file, elf::ElfFile::Symbols which) {
  TRY_ASSIGN(auto go, find_go_functions(file));
  if (go) return *std::move(go);
  Offsets offsets = look_up(file, which);
  for (const Library library : {Library::openssl, Library::gnutls}) {
    if (!is_library(library, offsets)) continue;
    if (library == Library::openssl) prefer_common_functions(file, offsets);
    return Functions{library, placements_of(library, offsets)};
  }
  return std::nullopt;
}

}  // namespace subfloor::sensors::tls
