// SPDX-License-Identifier: Apache-2.0
#include "protocols/mysql/handshake.h"

#include <algorithm>
#include <cstdint>

#include "protocols/mysql/fields.h"

namespace subfloor::protocols::mysql {
namespace {

constexpr std::size_t longest_version = 128;
constexpr std::size_t tls_request = 32, old_tls_request = 5;  // bytes of payload

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

bool contains_mariadb(std::string_view version) {
  constexpr std::string_view name = "mariadb";
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; };
  return std::search(version.begin(), version.end(), name.begin(), name.end(), same) != version.end();
}

// Database, plugin and attributes: what follows the proof of identity.
void parse_tail(Fields& fields, Login& login, Capabilities both) {
  if ((both & capability::plugin_auth) != 0) (void)fields.line();
  if ((both & capability::connect_attributes) == 0) return;
  const std::uint64_t size = fields.number();
  Fields attributes(fields.rest().substr(0, size));
  while (attributes.ok() && attributes.left() > 0) {
    const std::string_view key = attributes.text(), value = attributes.text();
    if (attributes.ok() && key == "program_name") login.program = value;
  }
}

std::optional<Login> parse_old_login(Fields fields, std::size_t size) {
  Login login;
  login.capabilities = fields.u16();
  fields.skip(3);
  login.tls_only = size == old_tls_request && (login.capabilities & capability::tls) != 0;
  if (login.tls_only) return login;
  login.user = fields.line();
  if (!fields.ok()) return std::nullopt;
  if ((login.capabilities & capability::connect_with_database) != 0) {
    (void)fields.line();
    login.database = fields.line();
  }
  return login;
}

}  // namespace

std::optional<Greeting> parse_greeting(std::string_view payload) {
  Fields fields(payload);
  const std::uint8_t version = fields.u8();
  if (version != 9 && version != 10) return std::nullopt;
  Greeting greeting;
  greeting.version = fields.line();
  fields.skip(4);  // number of the connection
  if (!fields.ok() || greeting.version.empty() || greeting.version.size() > longest_version ||
      !printable(greeting.version))
    return std::nullopt;
  if (version == 9) {
    if (fields.left() != 9 || fields.rest().back() != '\0') return std::nullopt;
    greeting.capabilities = capability::mysql;
    return greeting;
  }
  fields.skip(8);
  if (fields.u8() != 0 || !fields.ok()) return std::nullopt;
  greeting.capabilities = fields.u16();
  if (!fields.ok()) return std::nullopt;
  if (fields.left() > 0) {
    fields.skip(1 + 2);  // character set, status
    greeting.capabilities |= fields.integer(2) << 16;
    fields.skip(1 + 6);
    const std::uint64_t more = fields.u32();
    if (!fields.ok()) return std::nullopt;
    if ((greeting.capabilities & capability::mysql) == 0) greeting.capabilities |= more << 32;
  }
  greeting.mariadb = contains_mariadb(greeting.version);
  return greeting;
}

std::optional<Login> parse_login(std::string_view payload, Capabilities server) {
  Fields fields(payload);
  Login login;
  login.capabilities = fields.u16();
  if (!fields.ok()) return std::nullopt;
  if ((login.capabilities & capability::protocol_41) == 0) return parse_old_login(Fields(payload), payload.size());
  login.capabilities |= fields.integer(2) << 16;
  fields.skip(4 + 1 + 19);  // longest packet, character set, nothing
  const std::uint64_t more = fields.u32();
  if (!fields.ok()) return std::nullopt;
  if (((server | login.capabilities) & capability::mysql) == 0) login.capabilities |= more << 32;
  login.tls_only = payload.size() == tls_request && (login.capabilities & capability::tls) != 0;
  if (login.tls_only) return login;
  const Capabilities both = server & login.capabilities;
  login.user = fields.line();
  if (!fields.ok()) return std::nullopt;
  if ((both & capability::long_auth_data) != 0) {
    (void)fields.text();
  } else if ((both & capability::secure_connection) != 0) {
    fields.skip(fields.u8());
  } else {
    (void)fields.line();
  }
  // Some clients set the flag and leave the database out, when nothing may follow.
  if ((both & capability::connect_with_database) != 0 && fields.left() > 0) login.database = fields.line();
  parse_tail(fields, login, both);
  return login;
}

Login parse_change_user(std::string_view payload, Capabilities both) {
  Fields fields(payload);
  Login login;
  login.user = fields.line();
  if ((both & capability::secure_connection) != 0) {
    fields.skip(fields.u8());
  } else {
    (void)fields.line();
  }
  login.database = fields.line();
  if (!fields.ok()) return {};
  fields.skip(2);  // character set
  parse_tail(fields, login, both);
  return login;
}

}  // namespace subfloor::protocols::mysql
