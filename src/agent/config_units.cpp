// SPDX-License-Identifier: Apache-2.0
#include "agent/config_units.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>

namespace subfloor::agent {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr Unit time_units[] = {{"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000},
                               {"ms", 1'000'000},        {"us", 1'000},         {"ns", 1}};
constexpr Unit binary_units[] = {
    {"GiB", std::uint64_t{1} << 30}, {"MiB", std::uint64_t{1} << 20}, {"KiB", std::uint64_t{1} << 10}, {"", 1}};
constexpr Unit size_units[] = {{"GiB", std::uint64_t{1} << 30},
                               {"MiB", std::uint64_t{1} << 20},
                               {"KiB", std::uint64_t{1} << 10},
                               {"GB", 1'000'000'000},
                               {"MB", 1'000'000},
                               {"KB", 1'000},
                               {"kB", 1'000},
                               {"G", 1'000'000'000},
                               {"M", 1'000'000},
                               {"k", 1'000},
                               {"B", 1},
                               {"", 1}};

// A decimal number with at most nine digits after the point, times its unit; false where that is no such thing, or more
// than 63 bits hold, or no whole number.
bool parse_with_unit(std::string_view text, std::span<const Unit> units, std::uint64_t& value) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == text.substr(end); });
  if (unit == units.end()) return false;
  const std::string_view number = text.substr(0, end);
  const std::size_t point = std::min(number.find('.'), number.size());
  const std::string_view whole = number.substr(0, point);
  const std::string_view fraction = point < number.size() ? number.substr(point + 1) : "";
  if (whole.empty() || whole.size() > 18 || fraction.size() > 9 || (point < number.size() && fraction.empty()))
    return false;
  unsigned __int128 scaled = 0;
  for (const char digit : whole) scaled = scaled * 10 + static_cast<unsigned>(digit - '0');
  unsigned __int128 denominator = 1;
  for (const char digit : fraction) {
    if (digit == '.') return false;
    scaled = scaled * 10 + static_cast<unsigned>(digit - '0');
    denominator *= 10;
  }
  scaled *= unit->factor;
  if (scaled % denominator != 0) return false;
  scaled /= denominator;
  if (scaled > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return false;
  value = static_cast<std::uint64_t>(scaled);
  return true;
}

std::string format_with_unit(std::uint64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units)
    if (value % unit.factor == 0) return fmt::format("{}{}", value / unit.factor, unit.name);
  return std::to_string(value);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

Result<Nanoseconds> parse_duration(std::string_view text) {
  Nanoseconds value = 0;
  if (text == "0") return value;
  if (parse_with_unit(text, time_units, value)) return value;
  return fail(fmt::format("'{}' is not a duration like 10ms, 5s or 2m", text));
}

std::string format_duration(Nanoseconds duration) {
  return duration == 0 ? "0s" : format_with_unit(duration, time_units);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t value = 0;
  if (parse_with_unit(text, size_units, value)) return value;
  return fail(fmt::format("'{}' is not a size like 4096, 512KiB or 8MiB", text));
}

std::string format_size(std::uint64_t bytes) { return bytes == 0 ? "0" : format_with_unit(bytes, binary_units); }

Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || end != text.data() + text.size())
    return fail(fmt::format("'{}' is not a whole number", text));
  if (error != std::errc{} || value < least || value > most)
    return fail(fmt::format("{} is out of range: {} to {}", text, least, most));
  return value;
}

Result<Ports> parse_ports(std::string_view text) {
  if (text == "auto") return Ports{};
  if (text == "classic") return Ports{Ports::Mode::classic, {}};
  Ports ports{Ports::Mode::list, {}};
  for (std::string_view rest = text;;) {
    const std::size_t comma = rest.find(',');
    const std::string_view item = trim(rest.substr(0, comma));
    const Result<std::uint64_t> port = parse_number(item, 1, 65535);
    if (!port && item.find_first_not_of("0123456789") != std::string_view::npos)
      return fail(fmt::format("'{}' is none of: auto, classic, port numbers", item));
    if (!port) return fail("port " + port.error().message);
    ports.list.push_back(static_cast<std::uint16_t>(*port));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  std::sort(ports.list.begin(), ports.list.end());
  ports.list.erase(std::unique(ports.list.begin(), ports.list.end()), ports.list.end());
  return ports;
}

std::string format_ports(const Ports& ports) {
  switch (ports.mode) {
    case Ports::Mode::automatic: return "auto";
    case Ports::Mode::classic: return "classic";
    case Ports::Mode::list: return fmt::format("{}", fmt::join(ports.list, ","));
  }
  return "auto";
}

Result<Listen> parse_listen(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0)
    return fail(fmt::format("'{}' is not an address with a port, like 127.0.0.1:9464", text));
  std::string_view host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return fail(fmt::format("'{}': an IPv6 address goes in brackets, like [::1]:9464", text));
  }
  Result<std::uint64_t> port = parse_number(text.substr(colon + 1), 1, 65535);
  if (!port) return fail("port " + port.error().message);
  return Listen{std::string(host), static_cast<std::uint16_t>(*port)};
}

std::string format_listen(const Listen& listen) {
  const bool brackets = listen.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", brackets ? "[" : "", listen.host, brackets ? "]" : "", listen.port);
}

}  // namespace subfloor::agent
