// SPDX-License-Identifier: Apache-2.0
// Durations, sizes, ports and addresses as people write them, in the configuration and on the command line.
// What format_… gives, parse_… reads back to the same value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/config.h"
#include "base/clock.h"
#include "base/result.h"

namespace subfloor::agent {

// "10ms", "1.5s", "2m", "1h", "250us", "7ns"; the unit is required, except for 0.
[[nodiscard]] Result<Nanoseconds> parse_duration(std::string_view text);
[[nodiscard]] std::string format_duration(Nanoseconds duration);

// Bytes: "4096", "512KiB", "8MiB", "1GiB"; k, M, G and KB, MB, GB are powers of 1000.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);
[[nodiscard]] std::string format_size(std::uint64_t bytes);

// "auto", "classic", or port numbers with commas: "80,443".
[[nodiscard]] Result<Ports> parse_ports(std::string_view text);
[[nodiscard]] std::string format_ports(const Ports& ports);

// "127.0.0.1:9464", "[::1]:9464", "localhost:9464".
[[nodiscard]] Result<Listen> parse_listen(std::string_view text);
[[nodiscard]] std::string format_listen(const Listen& listen);

// A whole number within the range, both ends included.
[[nodiscard]] Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most);

}  // namespace subfloor::agent
