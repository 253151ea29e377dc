// SPDX-License-Identifier: Apache-2.0
// What the two sides may have agreed on. The upper 32 bits are MariaDB's own.
#pragma once

#include <cstdint>

namespace subfloor::protocols::mysql {

using Capabilities = std::uint64_t;

namespace capability {
inline constexpr Capabilities mysql = 1;  // said by everyone but MariaDB, whose own bits count only where it is unset
inline constexpr Capabilities connect_with_database = 1U << 3;
inline constexpr Capabilities compress = 1U << 5;
inline constexpr Capabilities protocol_41 = 1U << 9;
inline constexpr Capabilities tls = 1U << 11;
inline constexpr Capabilities secure_connection = 1U << 15;
inline constexpr Capabilities plugin_auth = 1U << 19;
inline constexpr Capabilities connect_attributes = 1U << 20;
inline constexpr Capabilities long_auth_data = 1U << 21;
inline constexpr Capabilities session_track = 1U << 23;
inline constexpr Capabilities deprecate_eof = 1U << 24;
inline constexpr Capabilities optional_metadata = 1U << 25;
inline constexpr Capabilities zstd = 1U << 26;
inline constexpr Capabilities query_attributes = 1U << 27;
inline constexpr Capabilities progress = Capabilities{1} << 32;
inline constexpr Capabilities multi = Capabilities{1} << 33;
inline constexpr Capabilities bulk = Capabilities{1} << 34;
inline constexpr Capabilities cache_metadata = Capabilities{1} << 36;
}  // namespace capability

// Flags of the server's status.
namespace server_status {
inline constexpr std::uint16_t more_results = 0x0008;
inline constexpr std::uint16_t cursor = 0x0040;  // rows wait to be fetched
inline constexpr std::uint16_t no_backslash_escapes = 0x0200;
inline constexpr std::uint16_t session_changed = 0x4000;
}  // namespace server_status

}  // namespace subfloor::protocols::mysql
