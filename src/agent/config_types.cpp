// SPDX-License-Identifier: Apache-2.0
#include "agent/config_types.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>

#include "agent/config_units.h"

namespace subfloor::agent {
namespace {

// A type whose values are one scalar: read by parse, which gives a Result.
template <class T, class Parse, class Write>
ValueType<T> scalar_type(std::string name, Parse parse, Write write) {
  const auto read = [parse](const YAML::Node& node, T& value, Problems& problems) {
    std::string given;
    if (!read_scalar(node, given, problems)) return;
    if (auto parsed = parse(given)) {
      value = *std::move(parsed);
    } else {
      problems.add(node.Mark(), parsed.error().message);
    }
  };
  return {std::move(name), read, write};
}

template <class T, class Parse, class Format>
ValueType<T> ranged_type(const std::string& name, T least, T most, Parse parse, Format format) {
  const auto parse_in_range = [=](const std::string& given) -> Result<T> {
    TRY_ASSIGN(const auto value, parse(given));
    if (value < least || value > most)
      return fail(fmt::format("{} is out of range: {} to {}", given, format(least), format(most)));
    return static_cast<T>(value);
  };
  return scalar_type<T>(fmt::format("{}, {} to {}", name, format(least), format(most)), parse_in_range, format);
}

bool plain(const std::string& text) {
  const auto safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '/' || c == '.';
  };
  if (text.empty() || !std::all_of(text.begin(), text.end(), safe)) return false;
  return text.front() != '-' && text.front() != '.' && text != "null" && text != "Null" && text != "NULL";
}

}  // namespace

bool read_scalar(const YAML::Node& node, std::string& value, Problems& problems) {
  if (node.IsScalar()) {
    value = node.Scalar();
    return true;
  }
  problems.add(node.Mark(), node.IsNull() ? "a value is missing (an empty one is written \"\")"
                                          : "one value is expected here, not a list or a section");
  return false;
}

std::string quoted(const std::string& text) {
  if (plain(text)) return text;
  YAML::Emitter emitter;
  emitter << YAML::DoubleQuoted << text;
  return emitter.c_str();
}

std::string alternatives(const std::vector<std::string>& names) {
  std::string all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) all += i + 1 == names.size() ? " or " : ", ";
    all += names[i].empty() ? "\"\"" : names[i];
  }
  return all;
}

ValueType<bool> boolean() {
  const auto parse = [](const std::string& given) -> Result<bool> {
    std::string lower = given;
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (lower == "true" || lower == "on" || lower == "yes") return true;
    if (lower == "false" || lower == "off" || lower == "no") return false;
    return fail(fmt::format("'{}' is neither on nor off", given));
  };
  return scalar_type<bool>("on or off", parse, [](bool value) { return std::string(value ? "on" : "off"); });
}

ValueType<std::size_t> number(std::size_t least, std::size_t most) {
  const auto parse = [](const std::string& given) {
    return parse_number(given, 0, std::numeric_limits<std::int64_t>::max());
  };
  return ranged_type<std::size_t>("number", least, most, parse,
                                  [](std::size_t value) { return std::to_string(value); });
}

ValueType<std::size_t> size(std::size_t least, std::size_t most) {
  return ranged_type<std::size_t>("size", least, most, parse_size, format_size);
}

ValueType<Nanoseconds> duration(Nanoseconds least, Nanoseconds most) {
  return ranged_type<Nanoseconds>("duration", least, most, parse_duration, format_duration);
}

ValueType<std::string> text(std::string name, std::size_t longest) {
  const auto parse = [longest](const std::string& given) -> Result<std::string> {
    if (given.size() > longest) return fail(fmt::format("longer than {} bytes", longest));
    if (given.find('\0') != std::string::npos) return fail("contains a zero byte");
    return given;
  };
  return scalar_type<std::string>(std::move(name), parse, quoted);
}

ValueType<std::vector<std::string>> text_list() {
  const auto read = [](const YAML::Node& node, std::vector<std::string>& value, Problems& problems) {
    if (!node.IsSequence()) return problems.add(node.Mark(), "a list is expected here, like [a, b]");
    std::vector<std::string> items;
    for (const YAML::Node& item : node) {
      std::string given;
      if (!read_scalar(item, given, problems)) return;
      if (given.empty()) return problems.add(item.Mark(), "an empty name");
      items.push_back(std::move(given));
    }
    value = std::move(items);
  };
  const auto write = [](const std::vector<std::string>& value) {
    std::string all;
    for (const std::string& item : value) all += (all.empty() ? "" : ", ") + quoted(item);
    return "[" + all + "]";
  };
  return {"list of names", read, write};
}

namespace {

// Ascending, each once; nothing, and a problem, where one of them is none.
std::optional<std::vector<std::uint16_t>> read_ports(const YAML::Node& list, Problems& problems) {
  std::set<std::uint16_t> ports;
  for (const YAML::Node& item : list) {
    std::string given;
    if (!read_scalar(item, given, problems)) return std::nullopt;
    const auto port = parse_number(given, 1, 65535);
    if (!port) {
      problems.add(item.Mark(), "port " + port.error().message);
      return std::nullopt;
    }
    ports.insert(static_cast<std::uint16_t>(*port));
  }
  return std::vector<std::uint16_t>(ports.begin(), ports.end());
}

}  // namespace

ValueType<std::vector<std::uint16_t>> port_list() {
  const auto read = [](const YAML::Node& node, std::vector<std::uint16_t>& value, Problems& problems) {
    if (!node.IsSequence()) return problems.add(node.Mark(), "a list is expected here, like [53]");
    if (auto ports = read_ports(node, problems)) value = *std::move(ports);
  };
  const auto write = [](const std::vector<std::uint16_t>& value) { return fmt::format("[{}]", fmt::join(value, ",")); };
  return {"list of ports, 1 to 65535", read, write};
}

ValueType<Ports> port_set() {
  const ValueType<Ports> one = scalar_type<Ports>("", parse_ports, format_ports);
  const auto read = [one](const YAML::Node& node, Ports& value, Problems& problems) {
    if (!node.IsSequence()) return one.read(node, value, problems);
    if (node.size() == 0)
      return problems.add(node.Mark(), "an empty list of ports captures nothing; every port is 'auto'");
    if (auto ports = read_ports(node, problems)) value = Ports{Ports::Mode::list, *std::move(ports)};
  };
  const auto write = [](const Ports& value) {
    return value.mode == Ports::Mode::list ? "[" + format_ports(value) + "]" : format_ports(value);
  };
  return {"auto, classic or a list of ports, 1 to 65535", read, write};
}

ValueType<Listen> listen_address() {
  return scalar_type<Listen>("address:port", parse_listen,
                             [](const Listen& value) { return quoted(format_listen(value)); });
}

}  // namespace subfloor::agent
