// SPDX-License-Identifier: Apache-2.0
// Which functions of which library are attached to, and with which program.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

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

struct Hook {
  Library library;
  std::string_view function;
  std::string_view program;     // where it begins
  std::string_view at_return;   // where it returns; "" where that is not needed
  bool essential = false;       // a file without it is not that library
};

inline constexpr std::array hooks = std::to_array<Hook>({
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

}  // namespace subfloor::sensors::tls
