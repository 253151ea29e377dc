// SPDX-License-Identifier: Apache-2.0
// The two packets that open a connection: the server's greeting and the client's answer. Of the answer's secrets
// nothing is looked at.
#pragma once

#include <optional>
#include <string_view>

#include "protocols/mysql/capabilities.h"

namespace subfloor::protocols::mysql {

// Texts are parts of the payload they were read from.
struct Greeting {
  std::string_view version;  // "8.0.36", "5.5.5-10.11.6-MariaDB"
  Capabilities capabilities = 0;
  bool mariadb = false;
};
// Of protocol version 9 or 10; `payload` may be its beginning only. Nothing where it is no greeting.
[[nodiscard]] std::optional<Greeting> parse_greeting(std::string_view payload);

struct Login {
  Capabilities capabilities = 0;
  bool tls_only = false;  // it asks for TLS, and the login itself comes encrypted
  std::string_view user;
  std::string_view database;
  std::string_view program;  // "program_name" among the connection attributes
};
// `payload` may be its beginning only. Nothing where it is no login.
[[nodiscard]] std::optional<Login> parse_login(std::string_view payload, Capabilities server);

// A user and what follows, as COM_CHANGE_USER has them.
[[nodiscard]] Login parse_change_user(std::string_view payload, Capabilities both);

}  // namespace subfloor::protocols::mysql
