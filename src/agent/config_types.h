// SPDX-License-Identifier: Apache-2.0
// The types a configuration key can have: how a value is read from YAML, written back and described.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/config_keys.h"

namespace subfloor::agent {

template <class T>
struct ValueType {
  std::string name;
  std::function<void(const YAML::Node&, T&, Problems&)> read;  // leaves the value alone where it adds a problem
  std::function<std::string(const T&)> write;
};

[[nodiscard]] ValueType<bool> boolean();  // true, false, on, off, yes, no
[[nodiscard]] ValueType<std::size_t> number(std::size_t least, std::size_t most);
[[nodiscard]] ValueType<std::size_t> size(std::size_t least, std::size_t most);
[[nodiscard]] ValueType<Nanoseconds> duration(Nanoseconds least, Nanoseconds most);
[[nodiscard]] ValueType<std::string> text(std::string name, std::size_t longest);
[[nodiscard]] ValueType<std::vector<std::string>> text_list();
[[nodiscard]] ValueType<Ports> port_set();
[[nodiscard]] ValueType<std::vector<std::uint16_t>> port_list();  // may be empty
[[nodiscard]] ValueType<Listen> listen_address();

// The node's text; false, and a problem, where it is no scalar.
[[nodiscard]] bool read_scalar(const YAML::Node& node, std::string& value, Problems& problems);
// Text as a YAML scalar, quoted where it has to be.
[[nodiscard]] std::string quoted(const std::string& text);
// "'a', 'b' or 'c'": for messages.
[[nodiscard]] std::string alternatives(const std::vector<std::string>& names);

// A key whose value is get(config), a reference that is const where the configuration is.
template <class Get, class T>
[[nodiscard]] Key key_at(Get get, const std::string& name, const ValueType<T>& type, const std::string& doc,
                         const std::string& variable = "") {
  return {.name = name,
          .type = type.name,
          .doc = doc,
          .read = [get, read = type.read](const YAML::Node& node, Config& config,
                                          Problems& problems) { read(node, get(config), problems); },
          .write = [get, write = type.write](const Config& config) { return write(get(config)); },
          .variable = variable,
          .copy = [get](const Config& from, Config& to) { get(to) = get(from); }};
}

template <class T>
[[nodiscard]] ValueType<T> choice(const std::vector<std::pair<std::string, T>>& options) {
  std::vector<std::string> names;
  for (const auto& option : options) names.push_back(option.first);
  const auto read = [options, names](const YAML::Node& node, T& value, Problems& problems) {
    std::string given;
    if (!read_scalar(node, given, problems)) return;
    for (const auto& [name, option] : options) {
      if (name != given) continue;
      value = option;
      return;
    }
    problems.add(node.Mark(), fmt::format("'{}' is not {}", given, alternatives(names)));
  };
  const auto write = [options](const T& value) {
    for (const auto& [name, option] : options)
      if (option == value) return quoted(name);
    return std::string();
  };
  return {alternatives(names), read, write};
}

}  // namespace subfloor::agent
